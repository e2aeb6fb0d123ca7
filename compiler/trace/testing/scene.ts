/** Devices of a guest on the kernel's board in Node, traced, for tests of what a trace tells. */
import { provide } from "../../../dsl/core/binding.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { board } from "../../../dsl/device/board.ts";
import type { Device } from "../../../dsl/device/device.ts";
import { instantiate, type Instance } from "../../../dsl/device/instance.ts";
import { digestOf, type TraceModel } from "../../../dsl/trace/model.ts";
import { makeBoard, type BoardTargets } from "../../../kernel/board.ts";
import { makeDispatch } from "../../../kernel/dispatch.ts";
import { Domain } from "../../../kernel/domain.ts";
import { eventRings } from "../../../kernel/events.ts";
import { modelMachine } from "../../../kernel/testing/machine.ts";
import { startGuestTime } from "../../../kernel/timebase.ts";
import { makeTrace } from "../../../kernel/trace.ts";
import { Vcpu } from "../../../kernel/vcpu.ts";
import { decodeTrace } from "../decode.ts";
import { readTrace } from "../read.ts";
import { eventLine } from "../show.ts";

/** A device of the scene; all its wires end on the board. */
export interface SceneDevice {
  readonly name: string;
  readonly device: Pick<Device, "name" | "model" | "wires">;
  /** By window. */
  readonly at: Readonly<Record<string, number>>;
}

const namesOf = ({ wires }: Pick<Device, "wires">): readonly string[] =>
  wires.flatMap(({ name, count, many }) =>
    Array.from({ length: count }, (_, i) => (many ? `${name}[${i}]` : name)),
  );

/** What its trace's numbers mean. */
export function sceneModel(devices: readonly SceneDevice[]): TraceModel {
  return {
    image: "sample",
    devices: devices.map(({ name, device }) => ({
      name,
      guest: "linux",
      type: device.name,
      wires: namesOf(device),
    })),
    types: Object.fromEntries(devices.map(({ device }) => [device.name, device.model])),
  };
}

/** Devices, all or the one of that name traced, and a guest's hands on them. */
export function traceScene(devices: readonly SceneDevice[], only?: string) {
  const machine = modelMachine();
  const model = sceneModel(devices);
  const trace = makeTrace({ cpuCapacity: 1, recordsPerCpu: 64, digest: digestOf(model) });
  let wires = 0;
  const instances = devices.map(({ name, device, at }, number) => {
    const ends = Object.fromEntries(namesOf(device).map((wire) => [wire, { board: "end" }]));
    const plain = instantiate(device as Device, name, {
      at,
      connect: ends,
    } as never) as unknown as Instance;
    const instance = only === undefined || only === name ? trace.instance(plain, number, wires) : plain;
    wires += plain.wires.length;
    return instance;
  });
  const targets: BoardTargets = {
    line: () => () => undefined,
    signal: () => () => undefined,
    message: () => () => undefined,
    sink: () => () => undefined,
  };
  const domains = make(array(Domain, 1));
  startGuestTime(domains[0].time);
  const guests = [
    { index: 0, instances: instances.map((instance) => ({ instance, vcpu: null, volume: null })) },
  ];
  const parts = makeBoard(guests, domains, () => targets, eventRings(1, 64), 0);
  provide(board, trace.board(parts.board, parts.instances));
  parts.timers.clear();
  trace.start();
  const vcpu = make(Vcpu);
  vcpu.index = 3;
  trace.enter(vcpu);
  parts.powerUp(0);
  parts.restart(0);
  const dispatch = makeDispatch(parts, 1);
  const bytes = (): Uint8Array => {
    trace.drain(true);
    return Uint8Array.from(machine.debug);
  };
  /** What was told so far, without times. */
  const told = (): string[] =>
    decodeTrace(readTrace(bytes(), model), model).map((e) => eventLine(e).slice(23).trimStart());
  return { machine, trace, dispatch, parts, model, bytes, told };
}
