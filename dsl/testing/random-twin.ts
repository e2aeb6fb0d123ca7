/** Drives a device's program at random on two sides, and compares every answer, every event and the whole state. */
import type { Device } from "../device/device.ts";

type Scalar = number | bigint | boolean | undefined;

/** Two sides of one program; `call` runs an entry point on both. */
export interface TwoSides {
  call(
    symbol: string,
    ...args: Scalar[]
  ): { readonly node: Scalar | "trap"; readonly native: Scalar | "trap" };
}

/** A generator of 32-bit numbers that a seed repeats (xorshift32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** What differed first; undefined where nothing did. */
export interface Difference {
  readonly step: number;
  readonly call: string;
  readonly node: string;
  readonly native: string;
}

/** Runs `steps` random accesses, timers, inputs and bytes. Stops at the first difference. */
export function driveAtRandom(
  two: TwoSides,
  device: Device<never>,
  options: { readonly seed: number; readonly steps: number },
): Difference | undefined {
  const random = randomFrom(options.seed);
  const windows = Object.entries(device.windows);
  const timers = device.wires.filter((w) => w.kind === "timer");
  const sources = device.wires.filter((w) => w.kind === "source");
  const pins = device.inputs.reduce((n, g) => n + g.pins, 0);
  let time = 1000n;
  const value = (bytes: number): number => {
    const raw = random(2) === 0 ? random(16) : random(2 ** 32);
    return bytes >= 4 ? raw : raw % 2 ** (8 * bytes);
  };
  const access = (): [string, ...Scalar[]] => {
    const [name, window] = windows[random(windows.length)] as (typeof windows)[number];
    const registers = device.model.registers.filter((r) => r.bank === name);
    const offset =
      registers.length > 0 && random(8) !== 0
        ? pickOffset(registers[random(registers.length)] as (typeof registers)[number])
        : random(window.sizeBytes);
    if (window.space === "msr") {
      return random(2) === 0
        ? [`rdmsr_${name}`, offset]
        : [`wrmsr_${name}`, offset, (BigInt(value(4)) << (random(2) === 0 ? 32n : 0n)) | BigInt(value(4))];
    }
    const width = ([1, 1, 2, 4] as const)[random(4)] as number;
    const bank = device.model.banks.find((b) => b.name === name);
    const usual = random(4) === 0 ? width : Math.min(4, (bank?.unitBits ?? 8) / 8);
    if (window.space === "mmio" && random(8) === 0) {
      return random(2) === 0
        ? [`read64_${name}`, offset]
        : [`write64_${name}`, offset, (BigInt(value(4)) << 32n) | BigInt(value(4))];
    }
    return random(2) === 0 ? [`read_${name}`, offset, usual] : [`write_${name}`, offset, usual, value(usual)];
  };
  const pickOffset = (r: {
    readonly offset: number;
    readonly count: number;
    readonly stride: number;
  }): number => r.offset + random(r.count) * r.stride;
  const step = (): [string, ...Scalar[]] => {
    const kind = random(16);
    if (kind === 0) return ["setTime", (time += BigInt(random(2 ** 24))), 1_700_000_000_000_000_000n];
    if (kind === 1 && timers.length > 0) {
      const timer = timers[random(timers.length)] as (typeof timers)[number];
      return ["expire", timer.ordinal + random(timer.count)];
    }
    if (kind <= 3 && pins > 0) return ["input", random(pins), random(2) === 1];
    if (kind <= 5 && sources.length > 0) {
      const ordinal = (sources[random(sources.length)] as (typeof sources)[number]).ordinal;
      return Number(two.call("room", ordinal).node) > 0
        ? ["receive", ordinal, random(256)]
        : ["room", ordinal];
    }
    if (kind === 6 && random(64) === 0) return ["reset"];
    if (kind === 7 && device.hypercalls.length > 0) {
      const { name, inputBytes } = device.hypercalls[random(device.hypercalls.length)]!;
      const words = inputBytes / 8;
      if (words > 0 && random(2) === 0)
        return [`input_${name}`, random(words), (BigInt(value(4)) << 32n) | BigInt(value(4))];
      return random(2) === 0 ? [`clearOutput_${name}`] : [`call_${name}`];
    }
    return windows.length === 0 ? ["reset"] : access();
  };
  const compare = (at: number, ...call: [string, ...Scalar[]]): Difference | undefined => {
    const { node, native } = two.call(...call);
    return node === native
      ? undefined
      : { step: at, call: call.join(" "), node: String(node), native: String(native) };
  };
  compare(0, "initialise");
  for (let i = 0; i < options.steps; i++) {
    const call = step();

    const first =
      compare(i, ...call) ??
      (call[0].startsWith("rdmsr_") ? compare(i, "wasTaken") : undefined) ??
      compare(i, "eventCount");
    if (first !== undefined) return { ...first, call: `${call.join(" ")}, then ${first.call}` };
    const events = Number(two.call("eventCount").node);
    for (let e = 0; e < events; e++) {
      const event = compare(i, "event", e);
      if (event !== undefined) return { ...event, call: `${call.join(" ")}, then ${event.call}` };
    }
    const state = compare(i, "stateHash");
    if (state !== undefined) return { ...state, call: `${call.join(" ")}, then ${state.call}` };
    compare(i, "clear");
  }
  return undefined;
}
