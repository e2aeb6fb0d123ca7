/**
 * A device that tells what is done to it: the same functions with calls of hooks around them. It is made beside the
 * plain one only where an image traces the device, so that a device that is not traced has nothing of it.
 *
 * A *subject* is a register by its place in the model's list, or behind the registers a piece of state by its place.
 */
import { u16, u32, u64, type u8 } from "../core/int.ts";
import { addressOf, disturbs, load64 } from "../core/intrinsics.ts";
import type { AnyFunction, FixedArray } from "../core/layout.ts";
import type { CellArrays, Cells, WideCellArrays } from "./cell.ts";
import type { HypercallEntry } from "./hypercall.ts";
import type { Plan } from "./plan.ts";

/** What hears of a device's accesses and changes. */
export interface TraceHooks {
  /** A guest reads `bytes` of a register and gets `value`; a register wider than its bank is read in parts. */
  readonly read: (subject: u16, part: u8, index: u8, bytes: u8, value: u64) => void;
  /** A guest is about to write `bytes` of a register. */
  readonly write: (subject: u16, part: u8, index: u8, bytes: u8, value: u64) => void;
  /** A register, or a number, a flag or the fill of a FIFO in the state, has that value now, and had another before. */
  readonly change: (subject: u16, index: u8, value: u64) => void;
  /** A guest makes the hypercall with that place in the list; the first word of its input. */
  readonly hypercall: (place: u16, value: u64) => void;
  /** What calls the device's own entry point with that place in the model's list, and with what as one of its arguments. */
  readonly call: (place: u16, argument: u8, value: u64) => void;
  /** What that hypercall has come to. */
  readonly status: (place: u16, value: u64) => void;
}

/** Something whose changes are told. */
export interface Watched {
  readonly subject: number;
  /** Which element of several. */
  readonly index: number;
  readonly look: Look;
  /** How full a FIFO is: what a write puts into one is told as that write, and not looked for. */
  readonly fill: boolean;
}
/** Reads what is watched. */
export type Look = (self: Cells) => u64;
/** How what is watched lies in the state: an integer of up to 32 bits, one of 64, a flag, or a FIFO. */
export type LookKind = "narrow" | "wide" | "flag" | "level";

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
type Of<T> = Readonly<Record<string, T>>;
type Elements<T> = Readonly<Record<string, FixedArray<T>>>;

/** Reads what the state holds under a name. */
export function lookAt(key: string, kind: LookKind): Look {
  const flag = (self: Of<{ value: boolean }>): u64 => (self[key].value ? 1n : 0n);
  const narrow = (self: Of<{ value: u32 }>): u64 => BigInt(self[key].value);
  const wide = (self: Of<{ value: u64 }>): u64 => self[key].value;
  const level = (self: Of<{ count: u16 }>): u64 => BigInt(self[key].count);
  return { flag, narrow, wide, level }[kind] as unknown as Look;
}

/** Reads one element of an array of the state. */
export function lookAtElement(key: string, kind: LookKind, element: number): Look {
  const flag = (self: Elements<boolean>): u64 => (self[key][element] ? 1n : 0n);
  const narrow = (self: Elements<u32>): u64 => BigInt(self[key][element]);
  const wide = (self: Elements<u64>): u64 => self[key][element];
  const level = (self: Elements<{ count: u16 }>): u64 => BigInt(self[key][element].count);
  return { flag, narrow, wide, level }[kind] as unknown as Look;
}

/** Reads an element of a repeated register. */
export function lookAtRegister(key: string, count: number, wide: boolean): (self: Cells, index: u8) => u64 {
  const ofNarrow = (self: CellArrays, index: u8): u64 => BigInt(self[key][index < count ? index : 0].value);
  const ofWide = (self: WideCellArrays, index: u8): u64 => self[key][index < count ? index : 0].value;
  return (wide ? ofWide : ofNarrow) as unknown as (self: Cells, index: u8) => u64;
}

/** Tells what a read has changed of everything that it may change, as the compiler knows it. */
export function watchedGet<V>(run: Get<V>, { hooks, watched }: DeviceTrace): Get<V> {
  const { change } = hooks;
  return watched.reduce((inner: Get<V>, w) => {
    const { look } = w;
    const subject: u16 = w.subject;
    const element: u8 = w.index;
    return (self: Cells, index: u8): V => {
      const before = look(self);
      const value = inner(self, index);
      if (disturbs(run, look, self)) {
        const after = look(self);
        if (after !== before) change(subject, element, after);
      }
      return value;
    };
  }, run);
}

/** Tells what a write has changed of everything that it may change. */
export function watchedPut<V>(run: Put<V>, { hooks, watched }: DeviceTrace): Put<V> {
  const { change } = hooks;
  return watched
    .filter((w) => !w.fill)
    .reduce((inner: Put<V>, w) => {
      const { look } = w;
      const subject: u16 = w.subject;
      const element: u8 = w.index;
      return (self: Cells, index: u8, value: V): void => {
        const before = look(self);
        inner(self, index, value);
        if (disturbs(run, look, self)) {
          const after = look(self);
          if (after !== before) change(subject, element, after);
        }
      };
    }, run);
}

/** The most elements that are watched one by one; of more, the one that an access reaches is. */
export const mostWatched = 4;

/** Tells whether a write has changed the element that it reaches, where the register has too many to watch each. */
export function watchedElement<V>(run: Put<V>, { hooks, subjects }: DeviceTrace, plan: Plan): Put<V> {
  const { count, many } = plan.register;
  if (!many || count <= mostWatched) return run;
  const { change } = hooks;
  const subject: u16 = subjects.get(plan.name) ?? 0;
  const look = lookAtRegister(plan.name, count, plan.width.bits === 64);
  const observer = (self: Cells): u64 => look(self, 0);
  return (self: Cells, index: u8, value: V): void => {
    const before = look(self, index);
    run(self, index, value);
    if (disturbs(run, observer, self)) {
      const after = look(self, index);
      if (after !== before) change(subject, index, after);
    }
  };
}

/** Tells of a hypercall before it is run, and what it has come to behind everything that it has changed. */
export function tracedHypercall(entry: HypercallEntry, place: number, trace: DeviceTrace): HypercallEntry {
  const { hypercall, status } = trace.hooks;
  const { inputBytes, run } = entry;
  const at = BigInt(entry.inputAt);
  const number: u16 = place;
  const watched = watchedGet((self: Cells, _index: u8): u32 => run(self), trace);
  return Object.freeze({
    ...entry,
    run: (self: unknown): u16 => {
      hypercall(number, inputBytes > 0 ? load64(u64(addressOf(self as object) + at)) : 0n);
      const result = u16(watched(self as Cells, 0));
      status(number, BigInt(result));
      return result;
    },
  });
}

type Call<A, B, C, R> = (self: Cells, a: A, b: B, c: C) => R;

/** Tells what an entry point of the device's own has changed of everything that it may change. */
function watchedCall<A, B, C, R>(run: Call<A, B, C, R>, { hooks, watched }: DeviceTrace): Call<A, B, C, R> {
  const { change } = hooks;
  return watched.reduce((inner: Call<A, B, C, R>, w) => {
    const { look } = w;
    const subject: u16 = w.subject;
    const element: u8 = w.index;
    return (self: Cells, a: A, b: B, c: C): R => {
      const before = look(self);
      const value = inner(self, a, b, c);
      if (disturbs(run, look, self)) {
        const after = look(self);
        if (after !== before) change(subject, element, after);
      }
      return value;
    };
  }, run);
}

/** Tells of an entry point of the device's own with its arguments, and of what it has changed. */
export function tracedCall<A extends number, B extends number, C extends number, R>(
  fn: AnyFunction,
  place: number,
  trace: DeviceTrace,
): AnyFunction {
  const tell = trace.hooks.call;
  const number: u16 = place;
  const run = fn as unknown as Call<A, B, C, R>;
  switch (fn.length) {
    case 1: {
      const short = fn as unknown as (self: Cells) => R;
      const watched = watchedCall((self: Cells, _a: u32, _b: u32, _c: u32): R => short(self), trace);
      return ((self: Cells): R => {
        tell(number, 0, 0n);
        return watched(self, 0, 0, 0);
      }) as unknown as AnyFunction;
    }
    case 2: {
      const short = fn as unknown as (self: Cells, a: A) => R;
      const watched = watchedCall((self: Cells, a: A, _b: u32, _c: u32): R => short(self, a), trace);
      return ((self: Cells, a: A): R => {
        tell(number, 0, u64(a));
        return watched(self, a, 0, 0);
      }) as unknown as AnyFunction;
    }
    case 3: {
      const short = fn as unknown as (self: Cells, a: A, b: B) => R;
      const watched = watchedCall((self: Cells, a: A, b: B, _c: u32): R => short(self, a, b), trace);
      return ((self: Cells, a: A, b: B): R => {
        tell(number, 0, u64(a));
        tell(number, 1, u64(b));
        return watched(self, a, b, 0);
      }) as unknown as AnyFunction;
    }
    default: {
      const watched = watchedCall(run, trace);
      return ((self: Cells, a: A, b: B, c: C): R => {
        tell(number, 0, u64(a));
        tell(number, 1, u64(b));
        tell(number, 2, u64(c));
        return watched(self, a, b, c);
      }) as unknown as AnyFunction;
    }
  }
}

/** What reaches a device from elsewhere than a guest: at a wire's ordinal or a pin, with a byte or a level. */
export type Happening = (self: Cells, at: u16, value: u32) => void;

/** Tells what something from elsewhere has changed of everything that it may change. */
export function watchedHappening(run: Happening, { hooks, watched }: DeviceTrace): Happening {
  const { change } = hooks;
  return watched.reduce((inner: Happening, w) => {
    const { look } = w;
    const subject: u16 = w.subject;
    const element: u8 = w.index;
    return (self: Cells, at: u16, value: u32): void => {
      const before = look(self);
      inner(self, at, value);
      if (disturbs(run, look, self)) {
        const after = look(self);
        if (after !== before) change(subject, element, after);
      }
    };
  }, run);
}
