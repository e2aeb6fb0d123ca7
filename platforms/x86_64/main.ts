/**
 * The program of an appliance on x86_64: the devices of its guests on the board, SVM under the kernel, the host side
 * around both. Everything is bound here, at build time.
 */
import { provide } from "../../dsl/core/binding.ts";
import { u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import type { Program } from "../../dsl/core/program.ts";
import { board } from "../../dsl/device/board.ts";
import type { Manifest } from "../../dsl/image.ts";
import { ManifestError } from "../../dsl/manifest/error.ts";
import { isTraced, type GuestModel, type ImageModel, type PayloadFacts } from "../../dsl/manifest/model.ts";
import { digestOf, traceModel } from "../../dsl/trace/model.ts";
import { blockStore } from "../../kernel/block-store.ts";
import { makeBoard, type BoardParts, type PlacedInstance } from "../../kernel/board.ts";
import { makeDispatch, type Dispatch } from "../../kernel/dispatch.ts";
import type { Domain } from "../../kernel/domain.ts";
import { eventRings } from "../../kernel/events.ts";
import { domainStorage, kernel } from "../../kernel/kernel.ts";
import { manyProcessors, oneProcessor, processors } from "../../kernel/processors.ts";
import { running } from "../../kernel/running.ts";
import { savedPart, type SavedPart } from "../../kernel/saved-part.ts";
import { savedGuest } from "../../kernel/saved-guest.ts";
import { guestSaves } from "../../kernel/saves.ts";
import { schedulerOf } from "../../kernel/scheduler/scheduler.ts";
import { volumeMedium } from "../../kernel/save-medium.ts";
import { guestConsoles, type Consoles } from "../../kernel/operator/consoles.ts";
import { convert } from "../../kernel/timebase.ts";
import { makeTrace, type Trace } from "../../kernel/trace.ts";
import { virtualization } from "../../kernel/virtualization.ts";
import type { FixedArray } from "../../dsl/core/layout.ts";
import { ahci } from "./disk/ahci.ts";
import { nvme } from "./disk/nvme.ts";
import type { Bus } from "./guest/bus.ts";
import { boardTargets, interruptControllers, type GuestNumbers } from "./guest/interrupt-controllers.ts";
import { interfaces } from "./guest/interfaces.ts";
import { host } from "./host.ts";
import { svm } from "./svm/virtualization.ts";

/** The guests with the dense index of their first vCPU. */
function guestNumbers(model: ImageModel): readonly GuestNumbers[] {
  let firstVcpu = 0;
  return Object.freeze(
    model.guests.map(({ index, vcpus }) => {
      const numbers = Object.freeze({ index, firstVcpu, vcpuCount: vcpus.length });
      firstVcpu += vcpus.length;
      return numbers;
    }),
  );
}

/** The number in its guest of a vCPU. */
function numberOfVcpu(guests: readonly GuestNumbers[]): (vcpu: u32) => u32 {
  if (guests.every((g) => g.vcpuCount === 1)) return (_vcpu: u32): u32 => 0;
  const numbers = Object.freeze(
    guests.flatMap((g) => Array.from({ length: g.vcpuCount }, (_, number) => number)),
  );
  const last = numbers.length - 1;
  return (vcpu: u32): u32 => numbers[Math.min(vcpu, last)];
}

/** The index of the guest that a vCPU belongs to. */
function guestOfVcpu(guests: readonly GuestNumbers[]): (vcpu: u32) => u32 {
  if (guests.length === 1) return (_vcpu: u32): u32 => 0;
  const later = Object.freeze(guests.filter((g) => g.index > 0).reverse());
  return (vcpu: u32): u32 => {
    for (const g of later) if (vcpu >= g.firstVcpu) return g.index;
    return 0;
  };
}

function busOf(dispatch: Dispatch, parts: BoardParts, guests: readonly GuestNumbers[]): Bus {
  const guestOf = guestOfVcpu(guests);
  const numberOf = numberOfVcpu(guests);
  return Object.freeze({
    portIn: (vcpu: u32, port: u16, width: u8): u32 => dispatch.portIn(guestOf(vcpu), port, width),
    portOut: (vcpu: u32, port: u16, width: u8, value: u32): void =>
      dispatch.portOut(guestOf(vcpu), port, width, value),
    memoryRead: (vcpu: u32, gpa: u64, width: u8): u64 =>
      dispatch.memoryRead(guestOf(vcpu), numberOf(vcpu), gpa, width),
    memoryWrite: (vcpu: u32, gpa: u64, width: u8, value: u64): void =>
      dispatch.memoryWrite(guestOf(vcpu), numberOf(vcpu), gpa, width, value),
    hasQueued: parts.hasQueued,
    deliver: parts.deliverFew,
  });
}

/** Guest ticks as the board's nanoseconds. */
function ticksToNs(
  domains: FixedArray<Domain>,
  guestOf: (vcpu: u32) => u32,
  count: number,
): (vcpu: u32, ticks: u64) => u64 {
  const last = count - 1;
  return (vcpu: u32, ticks: u64): u64 => convert(domains[Math.min(guestOf(vcpu), last)].time.toNs, ticks);
}

/** Virtual CPUs of all guests together: what the build's checks were made for. */
const mostVcpus = 1024;

/** Refuses what this platform cannot run. */
function checkVcpus(manifest: Manifest): void {
  const total = manifest.guests.reduce((sum, guest) => sum + guest.vcpus, 0);
  if (total <= mostVcpus) return;
  const [last, ...others] = manifest.guests.map((guest) => guest.place).reverse();
  const message = `the guests have ${total} virtual CPUs together, and x86_64 runs ${mostVcpus}`;
  throw new ManifestError("TV5105", message, [last!, ...others]);
}

/** The trace that a manifest declares, if it does. */
function traceOf(manifest: Manifest): Trace | null {
  const { trace, cpuCapacity } = manifest.model;
  if (trace === null) return null;
  const digest = digestOf(traceModel(manifest));
  return makeTrace({ cpuCapacity, recordsPerCpu: trace.recordsPerCpu, digest });
}

/** What was typed for a guest. */
function ownConsole({ index }: GuestModel, { typed }: Consoles): readonly SavedPart[] {
  return [savedPart("console", typed[index]!)];
}

/** Makes the program of a manifest. The build calls it. */
export function program(manifest: Manifest, _payloads: readonly PayloadFacts[]): Program {
  checkVcpus(manifest);
  const { model } = manifest;
  provide(processors, model.cpuCapacity === 1 ? oneProcessor : manyProcessors(model.cpuCapacity));
  const numbers = guestNumbers(model);
  const domains = domainStorage(model);
  const rings = eventRings(model.cpuCapacity, model.events.recordsPerCpu);
  const trace = traceOf(manifest);
  const vcpus = running(
    schedulerOf(model),
    numbers.reduce((sum, g) => sum + g.vcpuCount, 0),
  );
  const { volumes } = model;
  const disks = volumes.some(({ kind }) => kind === "partition") ? [nvme(), ahci()] : [];
  const blocks =
    volumes.length === 0
      ? null
      : blockStore(
          volumes,
          disks.map(({ make }) => make),
        );
  const consoles = model.operator === null ? null : guestConsoles(model.guests.length, model.console.guest);
  let [deviceNumber, nextWire, nextVolume] = [0, 0, 0];
  const guests = manifest.guests.map((guest, index) => ({
    index,
    instances: guest.devices.flatMap((device) => {
      if (device.instance === undefined) return [];
      const [number, firstWire] = [deviceNumber++, nextWire];
      nextWire += device.instance.wires.length;
      const traced = trace !== null && isTraced(model, guest.name, device.name);
      const instance = traced ? trace.instance(device.instance, number, firstWire) : device.instance;
      // Volumes are numbered in the order of their devices.
      const volume = device.volume === undefined ? null : nextVolume++;
      return [{ instance, vcpu: device.vcpu ?? null, volume }];
    }),
  }));
  const targetsOf = (placed: readonly PlacedInstance[]) =>
    boardTargets(numbers, domains, placed, model.console.guest, consoles?.guestPut ?? null, vcpus);
  const { networks, sharedMemories, channels, timerSlackNs } = model;
  const parts = makeBoard(
    guests,
    domains,
    targetsOf,
    rings,
    timerSlackNs,
    networks,
    blocks,
    sharedMemories,
    channels,
    model.operator !== null,
  );
  provide(board, trace === null ? parts.board : trace.board(parts.board, parts.instances));
  const controllers = interruptControllers(
    numbers,
    parts.instances,
    ticksToNs(domains, guestOfVcpu(numbers), guests.length),
    parts.deliverFew,
  );
  const bridges = model.guests.map(({ chipset: { pciWindow } }) => ({
    first: BigInt(pciWindow.gpa),
    end: BigInt(pciWindow.gpa + pciWindow.sizeBytes),
  }));
  const bus = busOf(makeDispatch(parts, guests.length, bridges), parts, numbers);
  const processor = svm({
    model,
    bus,
    apics: controllers.apics,
    source: controllers.source,
    enterBoard: parts.enterGuest,
    shootDown: vcpus.shootDown,
    interfaces: interfaces(numbers, parts.instances, controllers.apics, parts.deliverFew),
  });
  provide(virtualization, processor);
  const saves =
    consoles === null || blocks === null || model.saves === null
      ? null
      : guestSaves(
          model.guests.map((g) => savedGuest(g, domains, parts.instances, ownConsole(g, consoles))),
          volumeMedium(blocks, model.saves.volume),
        );
  const whole = host({
    name: model.name,
    kernel: kernel({ model, domains, board: parts, rings, vcpus, blocks, trace, saves, consoles }),
    cpuCapacity: model.cpuCapacity,
    disks,
    payloads: model.payloads.map(({ name, espPath }) => ({ name, espPath })),
    permitNoAcpi: model.permitNoAcpi,
    console: { port: model.console.port, baud: model.console.baud },
  });
  return { ...whole, hot: [processor.run], exitHandler: processor.handleExit };
}
