/** What reaches a device from outside other than a guest's access: timers, input lines, bytes. */
import { u16, u8 } from "../core/int.ts";
import type { AnyFunction } from "../core/layout.ts";
import type { Cells } from "./cell.ts";
import type { WireEnd } from "./lifecycle.ts";

type Settle = (self: Cells) => void;
type TimerCell = { armed: boolean };

/** `expire(self, ordinal)`: the timer with that wire ordinal has reached its deadline. */
export function expiring(
  ends: readonly WireEnd[],
  handlers: Readonly<Record<string, AnyFunction>>,
  settle: Settle,
): (self: Cells, ordinal: u16) => void {
  const timers = ends.filter((e) => e.kind === "timer");
  const ones = timers
    .filter((e) => !e.many)
    .map((e) =>
      Object.freeze({
        name: e.name,
        ordinal: e.ordinal,
        handler: handlers[e.name] as (self: object) => void,
      }),
    );
  const groups = timers
    .filter((e) => e.many)
    .map((e) =>
      Object.freeze({
        name: e.name,
        ordinal: e.ordinal,
        count: e.count,
        handler: handlers[e.name] as (self: object, index: u8) => void,
      }),
    );
  const expire = (
    self: Readonly<Record<string, TimerCell>> & Readonly<Record<string, readonly TimerCell[]>> & Cells,
    ordinal: u16,
  ): void => {
    for (const t of ones) {
      if (ordinal === t.ordinal) {
        if (!self[t.name].armed) return;
        self[t.name].armed = false;
        t.handler(self);
      }
    }
    for (const t of groups) {
      const index = u16(ordinal - t.ordinal);
      if (index < t.count) {
        if (!self[t.name][index].armed) return;
        self[t.name][index].armed = false;
        t.handler(self, u8(index));
      }
    }
    settle(self);
  };
  return expire as unknown as (self: Cells, ordinal: u16) => void;
}

/** A group of input pins: `first` is its first pin among all pins of the device. */
export interface InputGroup {
  readonly name: string;
  readonly first: u16;
  readonly pins: u8;
}

/** `input(self, pin, level)`: the line that ends at a pin has that level now. */
export function inputting(
  groups: readonly InputGroup[],
  handlers: Readonly<Record<string, AnyFunction>>,
  settle: Settle,
): (self: Cells, pin: u16, level: boolean) => void {
  const all = groups.map((g) =>
    Object.freeze({ ...g, handler: handlers[g.name] as (self: object, pin: u8, level: boolean) => void }),
  );
  const input = (
    self: Readonly<Record<string, { change(pin: u8, level: boolean): boolean }>> & Cells,
    pin: u16,
    level: boolean,
  ): void => {
    for (const g of all) {
      const own = u16(pin - g.first);
      if (own < g.pins) {
        if (!self[g.name].change(u8(own), level)) return;
        g.handler(self, u8(own), level);
      }
    }
    settle(self);
  };
  return input as unknown as (self: Cells, pin: u16, level: boolean) => void;
}

/** Which end of wires a handler belongs to; one of an array is given the element's index. */
interface Handled<H> {
  readonly ordinal: u16;
  readonly count: u16;
  readonly handler: H;
}

function handled<H>(
  ends: readonly WireEnd[],
  many: boolean,
  handlers: Readonly<Record<string, AnyFunction>>,
): readonly Handled<H>[] {
  return ends
    .filter((e) => e.kind === "source" && e.many === many)
    .map(({ ordinal, count, name }) => Object.freeze({ ordinal, count, handler: handlers[name] as H }));
}

/** `room(self, ordinal)`: how many bytes the source with that wire ordinal takes now. */
export function asking(
  ends: readonly WireEnd[],
  handlers: Readonly<Record<string, AnyFunction>>,
): (self: Cells, ordinal: u16) => u16 {
  const ones = handled<(self: object) => u16>(ends, false, handlers);
  const groups = handled<(self: object, index: u8) => u16>(ends, true, handlers);
  return (self: Cells, ordinal: u16): u16 => {
    for (const s of ones) if (ordinal === s.ordinal) return s.handler(self);
    for (const s of groups) {
      const index = u16(ordinal - s.ordinal);
      if (index < s.count) return s.handler(self, u8(index));
    }
    return 0;
  };
}

/** `receive(self, ordinal, byte)`: a byte for the source with that wire ordinal, which has said that it has room. */
export function receiving(
  ends: readonly WireEnd[],
  handlers: Readonly<Record<string, AnyFunction>>,
  settle: Settle,
): (self: Cells, ordinal: u16, byte: u8) => void {
  const ones = handled<(self: object, byte: u8) => void>(ends, false, handlers);
  const groups = handled<(self: object, index: u8, byte: u8) => void>(ends, true, handlers);
  return (self: Cells, ordinal: u16, byte: u8): void => {
    for (const s of ones) if (ordinal === s.ordinal) s.handler(self, byte);
    for (const s of groups) {
      const index = u16(ordinal - s.ordinal);
      if (index < s.count) s.handler(self, u8(index), byte);
    }
    settle(self);
  };
}
