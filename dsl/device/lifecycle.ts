/** Initialisation and reset of a device's state, out of its declaration. */
import { u16, u32, u64, u8, type IntType } from "../core/int.ts";
import type { Descriptor, FixedArray } from "../core/layout.ts";
import type { CellArrays, Cells, WideCellArrays, WideCells } from "./cell.ts";
import { resetOf, type Plan } from "./plan.ts";
import { scalarPlace } from "./scalar.ts";
import { isFifo, wireKindOf, type Timer, type WireKind } from "./state.ts";

/** One end of a wire in a device's state; arrays take consecutive ordinals. */
export interface WireEnd {
  readonly name: string;
  readonly kind: WireKind;
  readonly ordinal: u16;
  readonly count: u16;
  readonly many: boolean;
}
type Act = (self: Cells) => void;

/** The ends of wires in a device's state, in the order of their ordinals. */
export function wireEnds(state: readonly (readonly [string, Descriptor])[]): readonly WireEnd[] {
  let next = 0;
  const ends: WireEnd[] = [];
  for (const [name, descriptor] of state) {
    const kind = wireKindOf(descriptor);
    if (kind === undefined) continue;
    const count = descriptor.kind === "array" ? descriptor.length : 1;
    ends.push(Object.freeze({ name, kind, ordinal: next, count, many: descriptor.kind === "array" }));
    next += count;
  }
  return Object.freeze(ends);
}

/** Numbers a device's wires from `first`. */
export function wiring(ends: readonly WireEnd[]): (self: Cells, first: u16) => void {
  const ones = ends.filter((e) => !e.many);
  const groups = ends.filter((e) => e.many);
  const number = (
    self: Readonly<Record<string, { wire: u16 }>> & Readonly<Record<string, FixedArray<{ wire: u16 }>>>,
    first: u16,
  ): void => {
    for (const e of ones) self[e.name].wire = u16(first + e.ordinal);
    for (const e of groups)
      for (let i = 0; i < e.count; i += 1) self[e.name][i].wire = u16(first + e.ordinal + i);
  };
  return number as unknown as (self: Cells, first: u16) => void;
}

/** Arms again the timers of a state that was saved while they ran. */
export function rearming(ends: readonly WireEnd[]): (self: Cells) => void {
  const timers = ends.filter((e) => e.kind === "timer");
  const ones = timers.filter((e) => !e.many);
  const groups = timers.filter((e) => e.many);
  const rearm = (
    self: Readonly<Record<string, Timer>> & Readonly<Record<string, FixedArray<Timer>>>,
  ): void => {
    for (const e of ones) {
      const one = self[e.name];
      if (one.armed) one.arm(one.deadlineNs);
    }
    for (const e of groups)
      for (let i = 0; i < e.count; i += 1) {
        const one = self[e.name][i];
        if (one.armed) one.arm(one.deadlineNs);
      }
  };
  return rearm as unknown as (self: Cells) => void;
}

function registerReset(plan: Plan): Act {
  const key = plan.name;
  const { count, many } = plan.register;
  if (plan.width.bits === 64) {
    const value: u64 = resetOf(plan.register);
    const one = (self: WideCells): void => {
      self[key].value = value;
    };
    const all = (self: WideCellArrays): void => {
      for (let i = 0; i < count; i += 1) self[key][i].value = value;
    };
    return (many ? all : one) as unknown as Act;
  }
  const value: u32 = u32(resetOf(plan.register));
  const one = (self: Cells): void => {
    self[key].value = value;
  };
  const all = (self: CellArrays): void => {
    for (let i = 0; i < count; i += 1) self[key][i].value = value;
  };
  return many ? (all as unknown as Act) : one;
}

function stateReset(key: string, descriptor: Descriptor): Act | undefined {
  if (isFifo(descriptor)) {
    return ((self: Readonly<Record<string, { clear(): void }>>): void => self[key].clear()) as unknown as Act;
  }
  if (descriptor.kind === "array" && isFifo(descriptor.element)) {
    const count = descriptor.length;
    return ((self: Readonly<Record<string, FixedArray<{ clear(): void }>>>): void => {
      for (let i = 0; i < count; i += 1) self[key][i].clear();
    }) as unknown as Act;
  }
  const kind = wireKindOf(descriptor);
  if (kind === "line" || kind === "timer") return wireReset(key, descriptor, kind);
  if (kind === "page" || kind === "shared") return awayReset(key, descriptor);
  if (kind === "flash") return shownReset(key);
  return descriptor.kind === "array"
    ? arrayReset(key, descriptor.element, descriptor.length)
    : scalarReset(key, descriptor);
}

function shownReset(key: string): Act {
  const shown = (self: Readonly<Record<string, { hidden: boolean; appear(): void }>>): void => {
    self[key].hidden = false;
    self[key].appear();
  };
  return shown as unknown as Act;
}

function wireReset(key: string, descriptor: Descriptor, kind: "line" | "timer"): Act {
  const low = (self: Readonly<Record<string, { set(level: boolean): void }>>): void => self[key].set(false);
  const idle = (self: Readonly<Record<string, { cancel(): void }>>): void => self[key].cancel();
  if (descriptor.kind !== "array") return (kind === "line" ? low : idle) as unknown as Act;
  const count = descriptor.length;
  const allLow = (self: Readonly<Record<string, FixedArray<{ set(level: boolean): void }>>>): void => {
    for (let i = 0; i < count; i += 1) self[key][i].set(false);
  };
  const allIdle = (self: Readonly<Record<string, FixedArray<{ cancel(): void }>>>): void => {
    for (let i = 0; i < count; i += 1) self[key][i].cancel();
  };
  return (kind === "line" ? allLow : allIdle) as unknown as Act;
}

function awayReset(key: string, descriptor: Descriptor): Act {
  const away = (self: Readonly<Record<string, { remove(): void }>>): void => self[key].remove();
  if (descriptor.kind !== "array") return away as unknown as Act;
  const count = descriptor.length;
  const allAway = (self: Readonly<Record<string, FixedArray<{ remove(): void }>>>): void => {
    for (let i = 0; i < count; i += 1) self[key][i].remove();
  };
  return allAway as unknown as Act;
}

function scalarReset(key: string, descriptor: Descriptor): Act | undefined {
  const place = scalarPlace(key);
  if (descriptor.kind === "bool") {
    return ((self: Readonly<Record<string, { value: boolean }>>): void => {
      self[place].value = false;
    }) as unknown as Act;
  }
  if (descriptor.kind !== "int") return undefined;
  if ((descriptor as IntType<unknown>).bits === 64) {
    return ((self: WideCells): void => {
      self[place].value = 0n;
    }) as unknown as Act;
  }
  return ((self: Cells): void => {
    self[place].value = 0;
  }) as unknown as Act;
}

function arrayReset(key: string, element: Descriptor, count: number): Act | undefined {
  if (element.kind === "bool") {
    return ((self: Record<string, FixedArray<boolean>>): void => {
      for (let i = 0; i < count; i += 1) self[key][i] = false;
    }) as unknown as Act;
  }
  if (element.kind !== "int") return undefined;
  if ((element as IntType<unknown>).bits === 64) {
    return ((self: Record<string, FixedArray<u64>>): void => {
      for (let i = 0; i < count; i += 1) self[key][i] = 0n;
    }) as unknown as Act;
  }
  return ((self: Record<string, FixedArray<u8>>): void => {
    for (let i = 0; i < count; i += 1) self[key][i] = 0;
  }) as unknown as Act;
}

/** Puts registers and state back: all of them, or what a reset does not retain. */
export function resetting(plans: readonly Plan[], state: readonly (readonly [string, Descriptor])[]): Act {
  const acts = Object.freeze([
    ...plans.map(registerReset),
    ...state.flatMap(([key, descriptor]) => stateReset(key, descriptor) ?? []),
  ]);
  return (self: Cells): void => {
    for (const act of acts) act(self);
  };
}
