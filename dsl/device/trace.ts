/**
 * A device that tells what is done to it: accesses through functions with calls of hooks around them, and every change of
 * its state through a layout whose stores are heard of. Both are made beside the plain device only where an image traces
 * it, so that a device that is not traced has nothing of them.
 */
import { u16, u32, u64, type u8 } from "../core/int.ts";
import { addressOf, load64 } from "../core/intrinsics.ts";
import type { AnyFunction, Descriptor, StructDescriptor } from "../core/layout.ts";
import { observed } from "../core/observe.ts";
import type { Cells } from "./cell.ts";
import { isGuestBuffer } from "./guest-memory.ts";
import type { HypercallEntry } from "./hypercall.ts";
import type { Plan } from "./plan.ts";
import { wireKindOf } from "./state.ts";

/** What hears of a device's accesses and changes. A register is told by its place in the model's list. */
export interface TraceHooks {
  /** A guest reads `bytes` of a register and gets `value`; a register wider than its bank is read in parts. */
  readonly read: (register: u16, part: u8, index: u8, bytes: u8, value: u64) => void;
  /** A guest is about to write `bytes` of a register. */
  readonly write: (register: u16, part: u8, index: u8, bytes: u8, value: u64) => void;
  /** What lies at an address in the device's state has that value now, and had another before. */
  readonly change: (address: u64, value: u64) => void;
  /** A guest makes the hypercall with that place in the list; the first word of its input. */
  readonly hypercall: (place: u16, value: u64) => void;
  /** What that hypercall has come to. */
  readonly status: (place: u16, value: u64) => void;
  /** What calls the device's own entry point with that place in the model's list, and with what as one of its arguments. */
  readonly call: (place: u16, argument: u8, value: u64) => void;
  /** What that entry point gives back, if it does. */
  readonly result: (place: u16, value: u64) => void;
}

/** What the templates of a traced device are given. */
export interface DeviceTrace {
  readonly hooks: TraceHooks;
  /** A register's place in the model's list, by its name. */
  readonly registers: ReadonlyMap<string, number>;
}

/** Whether a piece of state is never told: a wire's number is no state of the device, a buffer holds the guest's memory. */
export function isUntold(descriptor: Descriptor, name: string): boolean {
  return name === "wire" || isGuestBuffer(descriptor.kind === "array" ? descriptor.element : descriptor);
}

/** Whether stores to a piece of state are not heard of: lines and timers tell of themselves. */
function isPlain(descriptor: Descriptor, name: string): boolean {
  const kind = wireKindOf(descriptor);
  return kind === "line" || kind === "timer" || isUntold(descriptor, name);
}

/** A device's state, of which `change` hears each store that changes something. */
export function tracedState<U>(state: StructDescriptor<U>, { change }: TraceHooks): StructDescriptor<U> {
  return observed(state, change, isPlain);
}

/** Tells of a read once its value is known, before the device settles. */
export function tracedGet<V>(
  get: (self: Cells, index: u8) => V,
  trace: DeviceTrace,
  plan: Plan,
  part: number,
  unitBits: number,
): (self: Cells, index: u8) => V {
  const tell = trace.hooks.read;
  const register = trace.registers.get(plan.name) ?? 0;
  const bytes: u8 = unitBits / 8;
  if (unitBits === 64) {
    const wide = get as unknown as (self: Cells, index: u8) => u64;
    return ((self: Cells, index: u8): u64 => {
      const value = wide(self, index);
      tell(register, part, index, bytes, value);
      return value;
    }) as unknown as (self: Cells, index: u8) => V;
  }
  const narrow = get as unknown as (self: Cells, index: u8) => u32;
  return ((self: Cells, index: u8): u32 => {
    const value = narrow(self, index);
    tell(register, part, index, bytes, BigInt(value));
    return value;
  }) as unknown as (self: Cells, index: u8) => V;
}

/** Tells of a write before it is done, so that what follows from it is told after it. */
export function tracedPut<V>(
  put: (self: Cells, index: u8, value: V) => void,
  trace: DeviceTrace,
  plan: Plan,
  part: number,
  unitBits: number,
): (self: Cells, index: u8, value: V) => void {
  const tell = trace.hooks.write;
  const register = trace.registers.get(plan.name) ?? 0;
  const bytes: u8 = unitBits / 8;
  if (unitBits === 64) {
    const wide = put as unknown as (self: Cells, index: u8, value: u64) => void;
    return ((self: Cells, index: u8, value: u64): void => {
      tell(register, part, index, bytes, value);
      wide(self, index, value);
    }) as unknown as (self: Cells, index: u8, value: V) => void;
  }
  const narrow = put as unknown as (self: Cells, index: u8, value: u32) => void;
  const ones = 2 ** unitBits - 1;
  return ((self: Cells, index: u8, value: u32): void => {
    tell(register, part, index, bytes, BigInt(u32(value & ones)));
    narrow(self, index, value);
  }) as unknown as (self: Cells, index: u8, value: V) => void;
}

/** Tells of a hypercall before it is run, and what it has come to behind everything that it has changed. */
export function tracedHypercall(entry: HypercallEntry, place: number, hooks: TraceHooks): HypercallEntry {
  const { hypercall, status } = hooks;
  const { inputBytes, run } = entry;
  const at = BigInt(entry.inputAt);
  const number: u16 = place;
  return Object.freeze({
    ...entry,
    run: (self: unknown): u16 => {
      hypercall(number, inputBytes > 0 ? load64(u64(addressOf(self as object) + at)) : 0n);
      const result = run(self);
      status(number, BigInt(result));
      return result;
    },
  });
}

/** Tells of an entry point of the device's own with its arguments, and behind what it changes what it gives back. */
export function tracedCall<
  A extends number,
  B extends number,
  C extends number,
  R extends number | undefined,
>(fn: AnyFunction, place: number, hooks: TraceHooks): AnyFunction {
  const { call } = hooks;
  const number: u16 = place;
  const tellResult = (value: R): void => {
    if (value !== undefined) hooks.result(number, u64(BigInt(value)));
  };
  switch (fn.length) {
    case 1: {
      const run = fn as (self: Cells) => R;
      return ((self: Cells): R => {
        call(number, 0, 0n);
        const value = run(self);
        tellResult(value);
        return value;
      }) as unknown as AnyFunction;
    }
    case 2: {
      const run = fn as (self: Cells, a: A) => R;
      return ((self: Cells, a: A): R => {
        call(number, 0, u64(a));
        const value = run(self, a);
        tellResult(value);
        return value;
      }) as unknown as AnyFunction;
    }
    case 3: {
      const run = fn as (self: Cells, a: A, b: B) => R;
      return ((self: Cells, a: A, b: B): R => {
        call(number, 0, u64(a));
        call(number, 1, u64(b));
        const value = run(self, a, b);
        tellResult(value);
        return value;
      }) as unknown as AnyFunction;
    }
    default: {
      const run = fn as (self: Cells, a: A, b: B, c: C) => R;
      return ((self: Cells, a: A, b: B, c: C): R => {
        call(number, 0, u64(a));
        call(number, 1, u64(b));
        call(number, 2, u64(c));
        const value = run(self, a, b, c);
        tellResult(value);
        return value;
      }) as unknown as AnyFunction;
    }
  }
}
