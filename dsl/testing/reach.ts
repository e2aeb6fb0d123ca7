/**
 * What can be done to a device from outside, as plain numbers: the harness that is compiled and the tools in Node read
 * the same tables, which follow from the device's model.
 */
import { u16, u32, u64, u8 } from "../core/int.ts";
import type { Device } from "../device/device.ts";
import { ramBytes } from "./program-memory.ts";
import type { BankModel, DeviceModel, RegisterModel } from "../device/model.ts";

/** A scalar type of one of the device's own entry points. */
export type CallScalar = "u8" | "u16" | "u32" | "i32" | "u64" | "i64" | "bool";
/** One of the device's own entry points; a result that is no scalar is `undefined`. */
export interface CallSignature {
  readonly name: string;
  readonly params: readonly CallScalar[];
  readonly result: CallScalar | undefined;
}

/** What an action does; the numbers are those of a record in a corpus. */
export const kinds = Object.freeze({
  read: 0,
  write: 1,
  readAt: 2,
  writeAt: 3,
  advance: 4,
  input: 5,
  send: 6,
  reset: 7,
  call: 8,
  parameter: 9,
  hypercall: 10,
  memory: 11,
  resume: 12,
});

/** One unit of one register, or of several that share its place. */
export interface Slot {
  readonly window: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A device's surface. */
export interface Reach {
  readonly windows: readonly { readonly name: string; readonly sizeBytes: number; readonly space: string }[];
  readonly slots: readonly Slot[];
  readonly pins: number;
  /** Wire ordinals of the sources. */
  readonly sources: readonly number[];
  readonly calls: readonly CallSignature[];
  /** Hypercalls, with the words of their inputs. */
  readonly hypercalls: readonly { readonly name: string; readonly words: number }[];
  /** Whether the device reads or writes the guest's memory. */
  readonly memory: boolean;
  /** What a byte of an input chooses among: each kind as often as it is wanted. */
  readonly chosen: readonly number[];
}

/** The window in which a bank's registers are seen; undefined behind an index register. */
export function windowOf(model: DeviceModel, bank: string): BankModel | undefined {
  const own = model.banks.find((b) => b.name === bank);
  if (own === undefined || own.space === "indirect") return undefined;
  return own.space === "overlay" ? model.banks.find((b) => b.bytes === bank) : own;
}

/** Every unit of a register: which element, how many bytes into it, and where in its window. */
export function unitsOf(
  model: DeviceModel,
  register: RegisterModel,
): readonly {
  readonly element: number;
  readonly byte: number;
  readonly offset: number;
  readonly bytes: number;
}[] {
  const bytes = (model.banks.find((b) => b.name === register.bank)?.unitBits ?? 8) / 8;
  const units = Math.max(1, register.bits / 8 / bytes);
  return Array.from({ length: register.count * units }, (_, i) => {
    const element = Math.floor(i / units);
    const byte = (i % units) * bytes;
    return { element, byte, offset: register.offset + element * register.stride + byte, bytes };
  });
}

function slotsOf(model: DeviceModel, windows: readonly string[]): readonly Slot[] {
  const found = new Map<string, Slot>();
  for (const register of model.registers) {
    const window = windowOf(model, register.bank);
    if (window === undefined) continue;
    for (const { offset, bytes } of unitsOf(model, register)) {
      const slot = { window: windows.indexOf(window.name), offset, bytes };
      found.set(Object.values(slot).join(), Object.freeze(slot));
    }
  }
  return Object.freeze([...found.values()]);
}

/** How often each kind is wanted among the actions, where the device has what it needs. */
const weights = {
  read: 10,
  write: 14,
  readAt: 2,
  writeAt: 3,
  advance: 4,
  input: 4,
  send: 4,
  reset: 1,
  resume: 1,
  call: 8,
  parameter: 4,
  hypercall: 8,
  memory: 12,
} as const;

/** Everything that can be done to a device. */
export function reachOf(device: Device<never>, calls: readonly CallSignature[]): Reach {
  const windows = Object.entries(device.windows).map(([name, { sizeBytes, space }]) =>
    Object.freeze({ name, sizeBytes, space }),
  );
  const slots = slotsOf(
    device.model,
    windows.map((w) => w.name),
  );
  const pins = device.inputs.reduce((n, group) => n + group.pins, 0);
  const sources = device.wires
    .filter((w) => w.kind === "source")
    .flatMap((w) => Array.from({ length: w.count }, (_, i) => w.ordinal + i));
  const memory = device.model.state.some(({ type }) => /^(Virtqueue|GuestBuffer)_/.test(type));
  const hypercalls = device.hypercalls.map(({ name, inputBytes }) =>
    Object.freeze({ name, words: inputBytes / 8 }),
  );
  const has: Record<keyof typeof kinds, boolean> = {
    read: slots.length > 0,
    write: slots.length > 0,
    readAt: windows.length > 0,
    writeAt: windows.length > 0,
    advance: true,
    input: pins > 0,
    send: sources.length > 0,
    reset: true,
    resume: true,
    call: calls.length > 0,
    parameter: hypercalls.some((h) => h.words > 1),
    hypercall: hypercalls.length > 0,
    memory,
  };
  const names = Object.keys(kinds) as (keyof typeof kinds)[];
  const chosen = names.filter((n) => has[n]).flatMap((n) => Array<number>(weights[n]).fill(kinds[n]));
  return Object.freeze({
    windows: Object.freeze(windows),
    slots,
    pins,
    sources: Object.freeze(sources),
    calls: Object.freeze(calls.map((c) => Object.freeze({ ...c, params: Object.freeze([...c.params]) }))),
    hypercalls: Object.freeze(hypercalls),
    memory,
    chosen: Object.freeze(chosen),
  });
}

/** The most that one action lets time advance, in bits: 39 hours. */
export const advanceBits = 47;

/** An action as numbers; what a kind does not use is 0. */
export interface Numbers {
  readonly kind: u8;
  readonly bytes: u8;
  readonly target: u16;
  readonly offset: u32;
  readonly value: u64;
}

/**
 * Makes the function that turns any numbers into those of an action of this device. What is an action already stays
 * as it is, but for the choice of the kind.
 */
export function actionMaker(reach: Reach) {
  const { chosen, pins } = reach;
  const slotCount = Math.max(1, reach.slots.length);
  const slotBytes = Object.freeze([...reach.slots.map((s) => s.bytes), 1]);
  const windowCount = Math.max(1, reach.windows.length);
  // Eight bytes at once only where a guest can: in memory. An MSR has no other width.
  const leastWidth = Object.freeze([...reach.windows.map((w) => (w.space === "msr" ? 3 : 0)), 0]);
  const mostWidth = Object.freeze([
    ...reach.windows.map((w) => (w.space === "port" || w.space === "configuration" ? 2 : 3)),
    0,
  ]);
  const reaches = Object.freeze([...reach.windows.map((w) => w.sizeBytes + 8), 8]);
  const pinCount = Math.max(1, pins);
  const sourceCount = Math.max(1, reach.sources.length);
  const callCount = Math.max(1, reach.calls.length);
  const hypercallCount = Math.max(1, reach.hypercalls.length);
  const words = Object.freeze([...reach.hypercalls.map((h) => Math.max(1, h.words)), 1]);
  return (chosenKind: u8, rawBytes: u8, rawTarget: u16, rawOffset: u32, rawValue: u64) => {
    const kind: u8 = chosen[chosenKind % chosen.length]!;
    let bytes: u8 = 0;
    let target: u16 = 0;
    let offset: u32 = 0;
    let value: u64 = 0n;
    if (kind <= 1) {
      const slot = rawTarget % slotCount;
      target = slot;
      bytes = slotBytes[slot]!;
    } else if (kind <= 3) {
      const window = rawTarget % windowCount;
      target = window;
      bytes = u8(1 << Math.min(Math.max(rawBytes & 3, leastWidth[window]! & 3), mostWidth[window]! & 3));
      offset = u32(rawOffset % Math.max(1, reaches[window]!));
    } else if (kind === 4) {
      const bits = rawBytes % (advanceBits + 1);
      value = u64(rawValue & u64((1n << BigInt(bits & 63)) - 1n));
      bytes = advanceBits;
    } else if (kind === 5) {
      target = rawTarget % pinCount;
      value = u64(rawValue & 1n);
    } else if (kind === 6) {
      target = rawTarget % sourceCount;
      value = u64(rawValue & 0xffn);
    } else if (kind === 8) {
      target = rawTarget % callCount;
      offset = rawOffset;
      value = rawValue;
    } else if (kind === 11) {
      bytes = u8(1 << (rawBytes & 3));
      offset = rawOffset & (ramBytes - 1);
      value = bytes === 8 ? rawValue : u64(rawValue & u64((1n << BigInt((bytes * 8) & 63)) - 1n));
    } else if (kind === 9 || kind === 10) {
      const hypercall = rawTarget % hypercallCount;
      target = hypercall;
      if (kind === 9) offset = u32(rawOffset % Math.max(1, words[hypercall]!));
      value = rawValue;
    }
    if (kind === 1 || kind === 3)
      value = bytes === 8 ? rawValue : u64(rawValue & u64((1n << BigInt((bytes * 8) & 63)) - 1n));
    return { kind, bytes, target, offset, value };
  };
}
