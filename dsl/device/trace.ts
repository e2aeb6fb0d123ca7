/**
 * A device that tells what is done to it: the same functions with calls of hooks around them. It is made beside the
 * plain one only where an image traces the device, so that a device that is not traced has nothing of it.
 *
 * A *subject* is a register by its place in the model's list, or behind the registers a piece of state by its place.
 */
import { u32, type u16, type u64, type u8 } from "../core/int.ts";
import { disturbs } from "../core/intrinsics.ts";
import type { Cells } from "./cell.ts";
import type { Plan } from "./plan.ts";

/** What hears of a device's accesses and changes. */
export interface TraceHooks {
  /** A guest reads `bytes` of a register and gets `value`; a register wider than its bank is read in parts. */
  readonly read: (subject: u16, part: u8, index: u8, bytes: u8, value: u64) => void;
  /** A guest is about to write `bytes` of a register. */
  readonly write: (subject: u16, part: u8, index: u8, bytes: u8, value: u64) => void;
  /** A single register, or a number or flag of the state, has that value now, and had another before. */
  readonly change: (subject: u16, value: u64) => void;
}

/** Something whose changes are told. */
export interface Watched {
  readonly subject: number;
  readonly kind: "narrow" | "wide" | "flag";
  /** The field of the state that holds `value`. */
  readonly key: string;
}

/** What the templates of a traced device are given. */
export interface DeviceTrace {
  readonly hooks: TraceHooks;
  readonly watched: readonly Watched[];
  /** A register's subject, by its name. */
  readonly subjects: ReadonlyMap<string, number>;
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
  const subject = trace.subjects.get(plan.name) ?? 0;
  const bytes: u8 = unitBits / 8;
  if (unitBits === 64) {
    const wide = get as unknown as (self: Cells, index: u8) => u64;
    return ((self: Cells, index: u8): u64 => {
      const value = wide(self, index);
      tell(subject, part, index, bytes, value);
      return value;
    }) as unknown as (self: Cells, index: u8) => V;
  }
  const narrow = get as unknown as (self: Cells, index: u8) => u32;
  return ((self: Cells, index: u8): u32 => {
    const value = narrow(self, index);
    tell(subject, part, index, bytes, BigInt(value));
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
  const subject = trace.subjects.get(plan.name) ?? 0;
  const bytes: u8 = unitBits / 8;
  if (unitBits === 64) {
    const wide = put as unknown as (self: Cells, index: u8, value: u64) => void;
    return ((self: Cells, index: u8, value: u64): void => {
      tell(subject, part, index, bytes, value);
      wide(self, index, value);
    }) as unknown as (self: Cells, index: u8, value: V) => void;
  }
  const narrow = put as unknown as (self: Cells, index: u8, value: u32) => void;
  const ones = 2 ** unitBits - 1;
  return ((self: Cells, index: u8, value: u32): void => {
    tell(subject, part, index, bytes, BigInt(u32(value & ones)));
    narrow(self, index, value);
  }) as unknown as (self: Cells, index: u8, value: V) => void;
}

type Get<V> = (self: Cells, index: u8) => V;
type Put<V> = (self: Cells, index: u8, value: V) => void;
type Look = (self: Cells) => u64;

function lookOf({ key, kind }: Watched): Look {
  const flag = (self: Readonly<Record<string, { value: boolean }>>): u64 => (self[key].value ? 1n : 0n);
  const narrow = (self: Readonly<Record<string, { value: u32 }>>): u64 => BigInt(self[key].value);
  const wide = (self: Readonly<Record<string, { value: u64 }>>): u64 => self[key].value;
  return { flag, narrow, wide }[kind] as unknown as Look;
}

/** Tells what a read has changed of everything that it may change, as the compiler knows it. */
export function watchedGet<V>(run: Get<V>, { hooks, watched }: DeviceTrace): Get<V> {
  const { change } = hooks;
  return watched.reduce((inner: Get<V>, w) => {
    const look = lookOf(w);
    const subject: u16 = w.subject;
    return (self: Cells, index: u8): V => {
      const before = look(self);
      const value = inner(self, index);
      if (disturbs(run, look, self)) {
        const after = look(self);
        if (after !== before) change(subject, after);
      }
      return value;
    };
  }, run);
}

/** Tells what a write has changed of everything that it may change. */
export function watchedPut<V>(run: Put<V>, { hooks, watched }: DeviceTrace): Put<V> {
  const { change } = hooks;
  return watched.reduce((inner: Put<V>, w) => {
    const look = lookOf(w);
    const subject: u16 = w.subject;
    return (self: Cells, index: u8, value: V): void => {
      const before = look(self);
      inner(self, index, value);
      if (disturbs(run, look, self)) {
        const after = look(self);
        if (after !== before) change(subject, after);
      }
    };
  }, run);
}

/** What reaches a device from elsewhere than a guest: at a wire's ordinal or a pin, with a byte or a level. */
export type Happening = (self: Cells, at: u16, value: u32) => void;

/** Tells what something from elsewhere has changed of everything that it may change. */
export function watchedHappening(run: Happening, { hooks, watched }: DeviceTrace): Happening {
  const { change } = hooks;
  return watched.reduce((inner: Happening, w) => {
    const look = lookOf(w);
    const subject: u16 = w.subject;
    return (self: Cells, at: u16, value: u32): void => {
      const before = look(self);
      inner(self, at, value);
      if (disturbs(run, look, self)) {
        const after = look(self);
        if (after !== before) change(subject, after);
      }
    };
  }, run);
}
