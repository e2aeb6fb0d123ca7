/** The tables that a bank's dispatch loops over: made when the device is declared, frozen before it is compiled. */
import type { u32, u8 } from "../core/int.ts";
import { disturbs } from "../core/intrinsics.ts";
import type { Cells } from "./cell.ts";
import type { Plan } from "./plan.ts";
import { tracedGet, tracedPut, type DeviceTrace } from "./trace.ts";
import { unitsAt, unitsOf, type Get, type Grid, type Placed, type Put, type Unit } from "./unit.ts";

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
  readonly holds: Holds;
  readonly parts: readonly P[];
}

type Holds = (self: Cells) => boolean;

/** Whether the field by which a register is selected has its value; undefined for a register that is always seen. */
function holdsOf({ when, selector }: Placed): Holds | undefined {
  if (when === undefined) return undefined;
  const key = when.register;
  const wanted: u32 = when.value;
  if (selector === undefined) throw new Error(`${key}.${when.field} selects nothing`);
  const lsb: u8 = selector.lsb;
  const ones: u32 = 2 ** (selector.msb - selector.lsb + 1) - 1;
  return (self: Cells): boolean => ((self[key].value >>> lsb) & ones) === wanted;
}

/** What a register does while a field selects it. */
export interface Choice<A> {
  readonly holds: Holds;
  readonly access: A;
}

/** Ranges of one direction, apart by what selects them. */
function grouped<P extends Weighed>(
  placed: readonly Placed[],
  expand: (p: Placed) => readonly P[],
): { readonly open: readonly P[]; readonly guarded: readonly Group<P>[] } {
  const open: P[] = [];
  const guarded = new Map<string, { holds: Holds; parts: P[] }>();
  for (const p of placed) {
    const holds = holdsOf(p);
    if (p.when === undefined || holds === undefined) {
      open.push(...expand(p));
      continue;
    }
    const key = `${p.when.register}.${p.when.field}=${p.when.value}`;
    const group = guarded.get(key) ?? { holds, parts: [] };
    guarded.set(key, group);
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

/** Single registers, with what a field selects behind the offset; and ranges of them, those apart that a field selects. */
export interface Table<P> {
  readonly ones: readonly P[];
  readonly ranges: readonly (P & Range)[];
  readonly guardedRanges: readonly Group<P & Range>[];
}

/** `choose` joins registers that share an offset. */
function table<P extends Weighed & { readonly offset: u32 }>(
  placed: readonly Placed[],
  grid: Grid,
  pick: (unit: Unit, placed: Placed, part: number) => Omit<P, "offset" | keyof Weighed>,
  choose: (choices: readonly Choice<P>[]) => Omit<P, "offset" | keyof Weighed>,
): Table<P> {
  const single = new Map<number, { readonly open: P[]; readonly choices: Choice<P>[] }>();
  for (const p of placed) {
    if (isRange(p)) continue;
    const holds = holdsOf(p);
    for (const [i, unit] of unitsAt(p, grid).entries()) {
      const offset = p.offset + i * grid.step;
      const access = Object.freeze({
        ...pick(unit, p, i),
        offset,
        weight: p.plan.register.weight,
      }) as unknown as P;
      const here = single.get(offset) ?? { open: [], choices: [] };
      single.set(offset, here);
      if (holds === undefined) here.open.push(access);
      else here.choices.push(Object.freeze({ holds, access }));
    }
  }
  const ones = [...single].flatMap(([offset, { open, choices }]): readonly P[] => {
    if (choices.length === 0) return open;
    const weight = choices.reduce((sum, { access }) => sum + access.weight, 0);
    return [{ ...choose(Object.freeze(choices)), offset, weight } as unknown as P];
  });
  const many = grouped(placed.filter(isRange), (p) =>
    unitsOf(p.plan, grid).map(
      (unit, i) =>
        ({
          ...pick(unit, p, i),
          ...rangeOf(p, i, grid.step),
          weight: p.plan.register.weight,
        }) as unknown as P & Range,
    ),
  );
  return Object.freeze({ ones: byWeight(ones), ranges: many.open, guardedRanges: many.guarded });
}

function chosenGet<V>(choices: readonly Choice<Part<V>>[], hole: V): { get: Get<V> } {
  return {
    get: (self: Cells, index: u8): V => {
      for (const c of choices) if (c.holds(self)) return c.access.get(self, index);
      return hole;
    },
  };
}

function chosenPut<V>(choices: readonly Choice<PutPart<V>>[]): { put: Put<V> } {
  return {
    put: (self: Cells, index: u8, value: V): void => {
      for (const c of choices) {
        if (c.holds(self)) {
          c.access.put(self, index, value);
          return;
        }
      }
    },
  };
}

/** What a debugger sees, or a merge takes, at each offset; `hole` where nothing is. `V` is u64 in a bank of 64-bit units, else u32. */
export function getTable<V>(
  placed: readonly Placed[],
  grid: Grid,
  kind: "peek" | "background",
  hole: V,
): Table<Part<V>> {
  return table<Part<V>>(
    placed,
    grid,
    (unit) => ({ get: unit.get[kind] as unknown as Get<V> }),
    (choices) => chosenGet(choices, hole),
  );
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
  hole: V,
): Table<Part<V>> {
  return table<Part<V>>(
    placed.filter((p) => p.plan.register.access !== "wo"),
    grid,
    (unit, { plan }, part) => {
      const plain = unit.get.read as unknown as Get<V>;
      const get = trace === undefined ? plain : tracedGet(plain, trace, plan, part, grid.unitBits);
      if (!mayChangeWhenRead(plan)) return { get };
      return { get: settle === undefined ? get : settlingGet(get, plain, settle) };
    },
    (choices) => chosenGet(choices, hole),
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
      return { put: settle === undefined ? put : settlingPut(put, plain, settle) };
    },
    chosenPut<V>,
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
