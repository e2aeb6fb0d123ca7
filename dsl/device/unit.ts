/** The units of a bank that a register takes: reading, writing and looking at each of them by itself. */
import { u32, u64, u8 } from "../core/int.ts";
import { narrowAccess } from "./access.ts";
import { wideAccess } from "./access-wide.ts";
import type { Condition, Selection } from "./bank.ts";
import type { Cells, WideCells } from "./cell.ts";
import type { Field } from "./field.ts";
import type { Plan } from "./plan.ts";

/** Reads a unit; of a repeated register the one with an index. */
export type Get<V> = (self: Cells, index: u8) => V;
/** Writes a unit. */
export type Put<V> = (self: Cells, index: u8, value: V) => void;

/** A planned register with its place in the bank. */
export interface Placed {
  readonly plan: Plan;
  readonly offset: number;
  readonly when: Condition | undefined;
  /** The field that `when` or `selection` names. */
  readonly selector: Field | undefined;
  readonly selection: Selection | undefined;
}
/** How a bank addresses its units: `step` offsets from one unit to the next. */
export interface Grid {
  readonly unitBits: number;
  readonly step: number;
  /** What is read where nothing is. */
  readonly hole: bigint;
}

/** Access to the units of a register: a u32 each, or a u64 in a bank of 64-bit units. */
export interface Unit {
  readonly get: Record<"read" | "peek" | "background", Get<never>>;
  readonly write: Put<never>;
}

/** The units of a register, or of each of its elements. */
export function unitsOf(plan: Plan, grid: Grid): Unit[] {
  const bits = plan.width.bits;
  if (bits === 64) {
    const wide = wideAccess(plan);
    if (grid.unitBits === 64) return [{ get: wide, write: wide.write } as unknown as Unit];
    return Array.from({ length: bits / grid.unitBits }, (_, i) => wideUnit(wide, grid.unitBits, i));
  }
  const narrow = narrowAccess(plan);
  if (bits === grid.unitBits) return [{ get: narrow, write: narrow.write } as unknown as Unit];
  return Array.from({ length: bits / grid.unitBits }, (_, i) => narrowUnit(narrow, grid.unitBits, i));
}

function narrowUnit(whole: ReturnType<typeof narrowAccess>, unitBits: number, unit: number): Unit {
  const lsb: u8 = unit * unitBits;
  const ones = u32(2 ** unitBits - 1);
  const others = u32(~(ones << lsb));
  const part =
    (get: Get<u32>): Get<u32> =>
    (self: Cells, index: u8): u32 =>
      u32((get(self, index) >>> lsb) & ones);
  const { write, background } = whole;
  const put = (self: Cells, index: u8, value: u32): void =>
    write(self, index, u32((background(self, index) & others) | ((value & ones) << lsb)));
  return {
    get: { read: part(whole.read), peek: part(whole.peek), background: part(background) },
    write: put,
  } as unknown as Unit;
}

function wideUnit(whole: ReturnType<typeof wideAccess>, unitBits: number, unit: number): Unit {
  const lsb = BigInt(unit * unitBits);
  const ones = (1n << BigInt(unitBits)) - 1n;
  const others = u64(~(ones << lsb));
  const part = (get: (self: WideCells, index: u8) => u64): Get<u32> => {
    const partial = (self: WideCells, index: u8): u32 => u32((get(self, index) >> lsb) & ones);
    return partial as unknown as Get<u32>;
  };
  const { write, background } = whole;
  const put = (self: WideCells, index: u8, value: u32): void =>
    write(self, index, u64((background(self, index) & others) | ((BigInt(value) & ones) << lsb)));
  return {
    get: { read: part(whole.read), peek: part(whole.peek), background: part(background) },
    write: put,
  } as unknown as Unit;
}

/** The units of a register, those that a field picks among them: what picks none reads as a hole and drops writes. */
export function unitsAt(p: Placed, grid: Grid): Unit[] {
  const units = unitsOf(p.plan, grid);
  if (p.selection === undefined) return units;
  const { selector, selection } = p;
  if (selector === undefined) throw new Error(`${selection.register}.${selection.field} selects nothing`);
  const key = selection.register;
  const lsb: u8 = selector.lsb;
  const ones: u32 = 2 ** (selector.msb - selector.lsb + 1) - 1;
  const count: u32 = p.plan.register.count;
  const picked = (self: Cells): u32 => u32((self[key].value >>> lsb) & ones);
  return units.map((unit) =>
    grid.unitBits === 64
      ? pickedUnit<u64>(unit, picked, count, grid.hole)
      : pickedUnit<u32>(unit, picked, count, u32(grid.hole)),
  );
}

function pickedUnit<V>(unit: Unit, picked: (self: Cells) => u32, count: u32, hole: V): Unit {
  const pick = (get: Get<V>): Get<V> => {
    return (self: Cells, _index: u8): V => {
      const index = picked(self);
      return index < count ? get(self, u8(index)) : hole;
    };
  };
  const { read, peek, background } = unit.get as unknown as Record<"read" | "peek" | "background", Get<V>>;
  const write = unit.write as unknown as Put<V>;
  const put = (self: Cells, _index: u8, value: V): void => {
    const index = picked(self);
    if (index < count) write(self, u8(index), value);
  };
  return {
    get: { read: pick(read), peek: pick(peek), background: pick(background) },
    write: put,
  } as unknown as Unit;
}
