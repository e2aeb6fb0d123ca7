/** The tables that a bank's dispatch loops over: made when the device is declared, frozen before it is compiled. */
import { u32, u64, u8 } from "../core/int.ts";
import { disturbs } from "../core/intrinsics.ts";
import { narrowAccess } from "./access.ts";
import { wideAccess } from "./access-wide.ts";
import type { Condition, Selection } from "./bank.ts";
import type { Cells, WideCells } from "./cell.ts";
import type { Field } from "./field.ts";
import type { Plan } from "./plan.ts";
import { tracedGet, tracedPut, watchedGet, watchedPut, type DeviceTrace } from "./trace.ts";

type Get<V> = (self: Cells, index: u8) => V;
type Put<V> = (self: Cells, index: u8, value: V) => void;
/** What a device does with its outputs once its state has changed. */
export type Settle = (self: Cells) => void;

/** How often it is wanted, and how often something behind it in its list. */
interface Weighed {
  readonly weight: number;
  readonly rest: number;
}
/** One unit of one register, at its offset. */
export interface Part<V> extends Weighed {
  readonly offset: u32;
  readonly get: Get<V>;
}
export interface PutPart<V> extends Weighed {
  readonly offset: u32;
  readonly put: Put<V>;
}
/** One unit of every element of a repeated register. */
export interface Range {
  readonly offset: u32;
  /** Offsets from the first element's start to the end of the last stride. */
  readonly span: u32;
  readonly strideMask: u32;
  readonly shift: u8;
  readonly count: u32;
}
export interface Group<P> {
  readonly holds: (self: Cells) => boolean;
  readonly parts: readonly P[];
}

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
interface Unit {
  readonly get: Record<"read" | "peek" | "background", Get<never>>;
  readonly write: Put<never>;
}

function unitsOf(plan: Plan, grid: Grid): Unit[] {
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
function unitsAt(p: Placed, grid: Grid): Unit[] {
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

/** Selects by a field of a register, which has at most 32 bits. */
function holdsOf(condition: Condition, fieldLsb: u8, ones: u32): (self: Cells) => boolean {
  const key = condition.register;
  const wanted: u32 = condition.value;
  return (self: Cells): boolean => ((self[key].value >>> fieldLsb) & ones) === wanted;
}

/** The parts of one direction, apart by what selects them. */
function grouped<P extends Weighed>(
  placed: readonly Placed[],
  expand: (p: Placed) => readonly P[],
): { readonly open: readonly P[]; readonly guarded: readonly Group<P>[] } {
  const open: P[] = [];
  const guarded = new Map<string, { holds: Group<P>["holds"]; parts: P[] }>();
  for (const p of placed) {
    if (p.when === undefined) {
      open.push(...expand(p));
      continue;
    }
    const key = `${p.when.register}.${p.when.field}=${p.when.value}`;
    let group = guarded.get(key);
    if (group === undefined) {
      const selector = p.selector;
      if (selector === undefined) throw new Error(`${key} selects nothing`);
      const ones = 2 ** (selector.msb - selector.lsb + 1) - 1;
      guarded.set(key, (group = { holds: holdsOf(p.when, selector.lsb, ones), parts: [] }));
    }
    group.parts.push(...expand(p));
  }
  return Object.freeze({
    open: byWeight(open),
    guarded: Object.freeze(
      [...guarded.values()].map((g) => Object.freeze({ holds: g.holds, parts: byWeight(g.parts) })),
    ),
  });
}

/** The parts with those that are wanted most in front. */
function byWeight<P extends Weighed>(parts: readonly P[]): readonly P[] {
  const sorted = [...parts].sort((a, b) => b.weight - a.weight);
  return Object.freeze(
    sorted.map((part, i) =>
      Object.freeze({ ...part, rest: sorted.slice(i + 1).reduce((sum, { weight }) => sum + weight, 1) }),
    ),
  );
}

/** Whether it is repeated at an offset for each. */
function isRange(p: Placed): boolean {
  return p.plan.register.many && p.selection === undefined;
}

function rangeOf(p: Placed, unit: number, step: number): Range {
  const { count, stride } = p.plan.register;
  return {
    offset: p.offset + unit * step,
    span: count * stride,
    strideMask: stride - 1,
    shift: Math.log2(stride),
    count,
  };
}

/** Parts that are always seen, and parts that a field selects; single registers and ranges of them. */
export interface Table<P> {
  readonly ones: readonly P[];
  readonly guardedOnes: readonly Group<P>[];
  readonly ranges: readonly (P & Range)[];
  readonly guardedRanges: readonly Group<P & Range>[];
}

function table<P extends Weighed & { readonly offset: u32 }>(
  placed: readonly Placed[],
  grid: Grid,
  pick: (unit: Unit, placed: Placed, part: number) => Omit<P, "offset" | keyof Weighed>,
): Table<P> {
  const one = grouped(placed, (p) =>
    isRange(p)
      ? []
      : unitsAt(p, grid).map(
          (unit, i) =>
            ({
              ...pick(unit, p, i),
              offset: p.offset + i * grid.step,
              weight: p.plan.register.weight,
            }) as unknown as P,
        ),
  );
  const many = grouped(placed, (p) =>
    isRange(p)
      ? unitsOf(p.plan, grid).map(
          (unit, i) =>
            ({
              ...pick(unit, p, i),
              ...rangeOf(p, i, grid.step),
              weight: p.plan.register.weight,
            }) as unknown as P & Range,
        )
      : [],
  );
  return Object.freeze({
    ones: one.open,
    guardedOnes: one.guarded,
    ranges: many.open,
    guardedRanges: many.guarded,
  });
}

/** What a debugger sees, or a merge takes, at each offset. `V` is u64 in a bank of 64-bit units, else u32. */
export function getTable<V>(
  placed: readonly Placed[],
  grid: Grid,
  kind: "peek" | "background",
): Table<Part<V>> {
  return table<Part<V>>(placed, grid, (unit) => ({ get: unit.get[kind] as unknown as Get<V> }));
}

/** Whether a guest's read of a register may change the device, as far as its declaration says. */
function mayChangeWhenRead({ handlers, masks, register }: Plan): boolean {
  if (handlers.settlesReads) return false;
  return handlers.read !== undefined || masks.readClears !== 0n || register.unimplemented;
}

/** What a guest reads at each offset; the device settles where a read disturbs what settling looks at. */
export function readTable<V>(
  placed: readonly Placed[],
  grid: Grid,
  settle: Settle | undefined,
  trace: DeviceTrace | undefined,
): Table<Part<V>> {
  return table<Part<V>>(
    placed.filter((p) => p.plan.register.access !== "wo"),
    grid,
    (unit, { plan }, part) => {
      const plain = unit.get.read as unknown as Get<V>;
      const get = trace === undefined ? plain : tracedGet(plain, trace, plan, part, grid.unitBits);
      if (!mayChangeWhenRead(plan)) return { get };
      const settled = settle === undefined ? get : settlingGet(get, plain, settle);
      return { get: trace === undefined ? settled : watchedGet(settled, trace) };
    },
  );
}

/** What a guest writes at each offset; the device settles where a write disturbs what settling looks at. */
export function writeTable<V>(
  placed: readonly Placed[],
  grid: Grid,
  settle: Settle | undefined,
  trace: DeviceTrace | undefined,
): Table<PutPart<V>> {
  return table<PutPart<V>>(
    placed.filter((p) => p.plan.register.access !== "ro"),
    grid,
    (unit, { plan }, part) => {
      const plain = unit.write as unknown as Put<V>;
      const put = trace === undefined ? plain : tracedPut(plain, trace, plan, part, grid.unitBits);
      const settled = settle === undefined ? put : settlingPut(put, plain, settle);
      return { put: trace === undefined ? settled : watchedPut(settled, trace) };
    },
  );
}

/** `change` is what `get` does to the state. */
function settlingGet<V>(get: Get<V>, change: Get<V>, settle: Settle): Get<V> {
  return (self: Cells, index: u8): V => {
    const value = get(self, index);
    if (disturbs(change, settle, self)) settle(self);
    return value;
  };
}

function settlingPut<V>(put: Put<V>, change: Put<V>, settle: Settle): Put<V> {
  return (self: Cells, index: u8, value: V): void => {
    put(self, index, value);
    if (disturbs(change, settle, self)) settle(self);
  };
}
