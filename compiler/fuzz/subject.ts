/** One device as the fuzzer sees it: its harness in Node and natively, side by side in this process. */
import { resolve } from "node:path";
import { coreFile } from "../source/load.ts";
import type { Device } from "../../dsl/device/device.ts";
import type { harnessOf as makeHarness, Harness } from "../../dsl/testing/harness.ts";
import { memorySymbol, mostTurns, stateSymbol } from "../../dsl/testing/harness.ts";
import {
  reachOf,
  type CallScalar,
  type CallSignature,
  type Numbers,
  type Reach,
} from "../../dsl/testing/reach.ts";
import { ramBytes } from "../../dsl/testing/program-memory.ts";
import type { Snapshot } from "../../dsl/testing/attach.ts";
import { partsOf, putRecord, recordOf } from "../../dsl/testing/snapshot.ts";
import { runFrontEnd, type FrontEnd } from "../front-end.ts";
import type { IrModule } from "../ir/ir.ts";
import { declaredType } from "../lang/declared.ts";
import { lowerProgram } from "../lang/lower.ts";
import { instantiate, type WasmInstance } from "../link/instantiate.ts";
import { linkWasm } from "../link/wasm.ts";
import { ts } from "../source/ts.ts";
import { instrument, siteSymbol } from "./instrument.ts";

const harnessFile = coreFile("../testing/harness");

/** Devices of one file, evaluated once. */
export interface Subjects {
  readonly names: readonly string[];
  /** What can be done to a device, and the names of its entry points that are not driven. */
  describe(name: string): { readonly reach: Reach; readonly undriven: readonly string[] };
  /** Makes a device's harness. The one before must no longer run in Node: there is one board. */
  open(name: string): Promise<Subject>;
}

/** What happened on one side: a result, or the text of what went wrong. */
export type Outcome = { readonly result: bigint } | { readonly fault: string };

/** A device's harness on both sides. */
export interface Subject {
  readonly name: string;
  readonly device: Device<never>;
  readonly harness: Harness;
  /** The device's own entry points that take more than integers and booleans: they are not driven. */
  readonly undriven: readonly string[];
  /** The same harness for a program on Linux, with every inferred interval checked where it runs. */
  checked(): IrModule;
  readonly node: Side;
  readonly native: Side;
}

/** One side of a harness. */
export interface Side {
  start(): Outcome;
  act(action: Numbers): Outcome;
  /** What the device did to its surroundings in the last action, two words for each event. */
  events(): bigint[];
  /** The device's state as it is: not a copy. */
  state(): Uint8Array;
  /** The guest's memory, where the device uses it. */
  memory(): Uint8Array;
  /** The state by name, with the time: plain data that survives JSON and fits either side. */
  snapshot(): Snapshot;
  /** Goes on from a snapshot. Throws SnapshotError where it is none of this device. */
  restore(snapshot: Snapshot): void;
}

/** The declared type of a parameter or a result as a scalar. */
function scalarOf(checker: ts.TypeChecker, type: ts.Type): CallScalar | "nothing" | undefined {
  const declared = declaredType(checker, type);
  if (declared.kind === "void") return "nothing";
  if (declared.kind === "bool") return "bool";
  if (declared.kind !== "int") return undefined;
  const { lo, hi } = declared.range;
  if (declared.big) return lo < 0n ? "i64" : "u64";
  if (lo < 0n) return "i32";
  return hi <= 0xffn ? "u8" : hi <= 0xffffn ? "u16" : "u32";
}

/** The device's own entry points, and the names of those whose parameters are no scalars. */
function callsOf(front: FrontEnd["front"], device: Device<never>): [CallSignature[], string[]] {
  const undriven: string[] = [];
  const calls = Object.entries(device.calls as Readonly<Record<string, object>>).flatMap(([name, fn]) => {
    const node = front.site(fn)?.node;
    const signature = node && front.checker.getSignatureFromDeclaration(node);
    const params = node?.parameters
      .slice(1)
      .map((p) => scalarOf(front.checker, front.checker.getTypeAtLocation(p)));
    const scalars = params?.filter((p) => p !== undefined && p !== "nothing");
    if (
      signature === undefined ||
      scalars === undefined ||
      scalars.length !== params?.length ||
      scalars.length > 3
    ) {
      undriven.push(name);
      return [];
    }
    const result = scalarOf(front.checker, front.checker.getReturnTypeOfSignature(signature));
    return [{ name, params: scalars, result: result === "nothing" ? undefined : result }];
  });
  return [calls, undriven];
}

/** Evaluates the file that exports the devices, by name, as `catalogue`. Throws DiagnosticError where it is wrong. */
export function loadSubjects(file: string): Subjects {
  const frontEnd = runFrontEnd(resolve(file), [harnessFile]);
  const devices = frontEnd.root["catalogue"] as Readonly<Record<string, Device<never>>>;
  const { harnessOf } = frontEnd.realm.module(harnessFile) as { harnessOf: typeof makeHarness };
  const find = (name: string): Device<never> => {
    const device = Object.hasOwn(devices, name) ? devices[name] : undefined;
    if (device === undefined) throw new Error(`${file} has no device ${name}`);
    return device;
  };
  return {
    names: Object.keys(devices),
    describe(name) {
      const [calls, undriven] = callsOf(frontEnd.front, find(name));
      return { reach: reachOf(find(name), calls), undriven };
    },
    async open(name) {
      const device = find(name);
      const [calls, undriven] = callsOf(frontEnd.front, device);
      const harness = frontEnd.realm.run(resolve(file), () => harnessOf(device, calls));
      const lowered = (checkIntervals: boolean): IrModule =>
        instrument(
          lowerProgram(frontEnd, harness.program, { debug: false, checkIntervals }),
          `loops took more than ${mostTurns} turns`,
          checkIntervals,
        );
      const module = lowered(false);
      const memory = harness.reach.memory ? [memorySymbol] : [];
      const exported = [...harness.program.entries.map((e) => e.symbol), stateSymbol, siteSymbol, ...memory];
      const { wasm } = linkWasm(module, exported);
      const instance = await instantiate(wasm, {
        abort: () => {
          throw new Error("abort");
        },
      });
      return {
        name,
        device,
        harness,
        undriven,
        checked: () => lowered(true),
        node: nodeSide(frontEnd, harness, device),
        native: nativeSide(instance, module, device),
      };
    },
  };
}

type Scalars = readonly (number | bigint)[];
const list = ({ kind, bytes, target, offset, value }: Numbers): Scalars => [
  kind,
  bytes,
  target,
  offset,
  value,
];

type Call = (symbol: string, ...args: readonly (number | bigint)[]) => unknown;

/** Saving and restoring, by entry points that both sides have. */
function saving(
  device: Device<never>,
  state: () => Uint8Array,
  call: Call,
): Pick<Side, "snapshot" | "restore"> {
  return {
    snapshot: () => ({
      device: device.name,
      timeNs: `0x${BigInt.asUintN(64, call("now") as bigint).toString(16)}`,
      state: recordOf(device.state as never, state()),
    }),
    restore: (snapshot) => {
      const { timeNs, state: saved } = partsOf(snapshot, device.name);
      putRecord(device.state as never, state(), saved);
      call("setNow", timeNs);
      for (const { name, kind, ordinal, many } of device.wires) {
        if (kind !== "timer") continue;
        const ends = (many
          ? snapshot.state[name]
          : [snapshot.state[name]]) as unknown as readonly TimerRecord[];
        for (const [i, end] of ends.entries())
          call("setTimer", ordinal + i, Number(end.armed), BigInt(end.deadlineNs));
      }
    },
  };
}

/** A timer in a snapshot. */
export interface TimerRecord {
  readonly armed: boolean;
  readonly deadlineNs: string;
}

function nodeSide(frontEnd: FrontEnd, harness: Harness, device: Device<never>): Side {
  const functions = new Map(harness.program.entries.map((e) => [e.symbol, e.fn]));
  const call = (symbol: string, ...args: Scalars): unknown => functions.get(symbol)!(...args) as unknown;
  const outcome = (symbol: string, ...args: Scalars): Outcome => {
    try {
      return { result: BigInt((call(symbol, ...args) as bigint | undefined) ?? 0n) };
    } catch (error) {
      return { fault: (error as Error).message };
    }
  };
  const { layout, memory } = frontEnd.front.core;
  const place = layout.location(harness.state)!;
  const ram = layout.location(harness.memory);
  const state = (): Uint8Array => new Uint8Array(memory.memory.buffer, place.address, place.descriptor.size);
  return {
    state,
    memory: () => new Uint8Array(memory.memory.buffer, ram?.address ?? 0, ram?.descriptor.size ?? 0),
    // A boolean is a number where it comes from WebAssembly.
    ...saving(device, state, (symbol, ...args) =>
      symbol === "setTimer"
        ? call(symbol, args[0]!, (args[1] !== 0) as never, args[2]!)
        : call(symbol, ...args),
    ),
    start: () => outcome("start"),
    act: (action) => outcome("act", ...list(action)),
    events: () => Array.from({ length: call("eventCount") as number }, (_, i) => call("event", i) as bigint),
  };
}

function nativeSide(instance: WasmInstance, module: IrModule, device: Device<never>): Side {
  const { functions, addresses, memory } = instance;
  const siteAt = addresses[siteSymbol]! + 4;
  const state = (): Uint8Array => new Uint8Array(memory().buffer, addresses[stateSymbol], device.state.size);
  const outcome = (symbol: string, ...args: Scalars): Outcome => {
    try {
      return { result: BigInt.asUintN(64, BigInt(functions[symbol]!(...args) ?? 0n)) };
    } catch (error) {
      const site = memory().getUint32(siteAt, true);
      memory().setUint32(siteAt, 0, true);
      instance.rewind();
      return { fault: module.traps[site - 1] ?? (error as Error).message };
    }
  };
  return {
    start: () => outcome("start"),
    act: (action) => outcome("act", ...list(action)),
    events: () =>
      Array.from({ length: functions["eventCount"]!() as number }, (_, i) =>
        BigInt.asUintN(64, functions["event"]!(i) as bigint),
      ),
    state,
    memory: () =>
      new Uint8Array(memory().buffer, addresses[memorySymbol] ?? 0, memorySymbol in addresses ? ramBytes : 0),
    ...saving(device, state, (symbol, ...args) => functions[symbol]!(...args)),
  };
}
