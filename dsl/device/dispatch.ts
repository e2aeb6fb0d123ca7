/**
 * From an offset to a register: a bank's compare tree, written once as loops over frozen tables. The compiler unrolls
 * them, so that what is left are comparisons with constants.
 */
import { u32, u8, type u64 } from "../core/int.ts";
import { weighed } from "../core/intrinsics.ts";
import type { Cells } from "./cell.ts";
import {
  getTable,
  putTable,
  readTables,
  type Grid,
  type Part,
  type Placed,
  type PutPart,
  type Table,
} from "./dispatch-table.ts";

type Get<V> = (self: Cells, offset: u32) => V;
type Put<V> = (self: Cells, offset: u32, value: V) => void;
type Settle = (self: Cells) => void;
/** What a device does after a read of what a read may change, and after a write. */
export interface Settles {
  readonly read: Settle | undefined;
  readonly write: Settle | undefined;
}

/** Reads, writes and looks at one unit of a bank, by its offset. `V` is u64 in a bank of 64-bit units, else u32. */
export interface UnitAccess<V> {
  readonly read: Get<V>;
  readonly write: Put<V>;
  /** As `read`, of write-only registers too, and nothing changes. */
  readonly peek: Get<V>;
  /** What the rest of a unit is taken to be when a part of it is written. */
  readonly background: Get<V>;
}

/**
 * The access to a bank of units of up to 32 bits; `hole` is read where nothing is.
 */
export function unitAccess(
  placed: readonly Placed[],
  grid: Grid,
  hole: u32,
  settles: Settles,
): UnitAccess<u32> {
  const nothing = (_self: Cells, _offset: u32): u32 => hole;
  const none = (_self: Cells, _offset: u32): u32 => 0;
  const { pure, changing, changes } = readTables<u32>(placed, grid);
  const change = getTree(changing, nothing);
  const put = putTree(putTable(placed, grid));
  return Object.freeze({
    read: getTree(pure, settles.read === undefined || !changes ? change : settlingRead(change, settles.read)),
    write: settles.write === undefined ? put : settlingWrite(put, settles.write),
    peek: getTree(getTable(placed, grid, "peek"), nothing),
    background: getTree(getTable(placed, grid, "background"), none),
  });
}

/** The access to a bank of 64-bit units. */
export function wideUnitAccess(
  placed: readonly Placed[],
  grid: Grid,
  hole: u64,
  settles: Settles,
): UnitAccess<u64> {
  const nothing = (_self: Cells, _offset: u32): u64 => hole;
  const none = (_self: Cells, _offset: u32): u64 => 0n;
  const { pure, changing, changes } = readTables<u64>(placed, grid);
  const change = wideGetTree(changing, nothing);
  const put = widePutTree(putTable(placed, grid));
  return Object.freeze({
    read: wideGetTree(
      pure,
      settles.read === undefined || !changes ? change : wideSettlingRead(change, settles.read),
    ),
    write: settles.write === undefined ? put : wideSettlingWrite(put, settles.write),
    peek: wideGetTree(getTable(placed, grid, "peek"), nothing),
    background: wideGetTree(getTable(placed, grid, "background"), none),
  });
}

function settlingRead(read: Get<u32>, settle: Settle): Get<u32> {
  return (self: Cells, offset: u32): u32 => {
    const value = read(self, offset);
    settle(self);
    return value;
  };
}

function settlingWrite(write: Put<u32>, settle: Settle): Put<u32> {
  return (self: Cells, offset: u32, value: u32): void => {
    write(self, offset, value);
    settle(self);
  };
}

function wideSettlingRead(read: Get<u64>, settle: Settle): Get<u64> {
  return (self: Cells, offset: u32): u64 => {
    const value = read(self, offset);
    settle(self);
    return value;
  };
}

function wideSettlingWrite(write: Put<u64>, settle: Settle): Put<u64> {
  return (self: Cells, offset: u32, value: u64): void => {
    write(self, offset, value);
    settle(self);
  };
}

function getTree(table: Table<Part<u32>>, otherwise: Get<u32>): (self: Cells, offset: u32) => u32 {
  const { ones, guardedOnes, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32): u32 => {
    for (const p of ones) if (weighed(offset === p.offset, p.weight, p.rest)) return p.get(self, 0);
    for (const g of guardedOnes) {
      if (g.holds(self)) {
        for (const p of g.parts) if (weighed(offset === p.offset, p.weight, p.rest)) return p.get(self, 0);
      }
    }
    for (const p of ranges) {
      const relative = u32(offset - p.offset);
      if (relative < p.span && (relative & p.strideMask) === 0) return p.get(self, u8(relative >>> p.shift));
    }
    for (const g of guardedRanges) {
      if (g.holds(self)) {
        for (const p of g.parts) {
          const relative = u32(offset - p.offset);
          if (relative < p.span && (relative & p.strideMask) === 0)
            return p.get(self, u8(relative >>> p.shift));
        }
      }
    }
    return otherwise(self, offset);
  };
}

function putTree(table: Table<PutPart<u32>>): (self: Cells, offset: u32, value: u32) => void {
  const { ones, guardedOnes, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32, value: u32): void => {
    for (const p of ones) {
      if (weighed(offset === p.offset, p.weight, p.rest)) {
        p.put(self, 0, value);
        return;
      }
    }
    for (const g of guardedOnes) {
      if (g.holds(self)) {
        for (const p of g.parts) {
          if (weighed(offset === p.offset, p.weight, p.rest)) {
            p.put(self, 0, value);
            return;
          }
        }
      }
    }
    for (const p of ranges) {
      const relative = u32(offset - p.offset);
      if (relative < p.span && (relative & p.strideMask) === 0) {
        p.put(self, u8(relative >>> p.shift), value);
        return;
      }
    }
    for (const g of guardedRanges) {
      if (g.holds(self)) {
        for (const p of g.parts) {
          const relative = u32(offset - p.offset);
          if (relative < p.span && (relative & p.strideMask) === 0) {
            p.put(self, u8(relative >>> p.shift), value);
            return;
          }
        }
      }
    }
  };
}

function wideGetTree(table: Table<Part<u64>>, otherwise: Get<u64>): (self: Cells, offset: u32) => u64 {
  const { ones, guardedOnes, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32): u64 => {
    for (const p of ones) if (weighed(offset === p.offset, p.weight, p.rest)) return p.get(self, 0);
    for (const g of guardedOnes) {
      if (g.holds(self)) {
        for (const p of g.parts) if (weighed(offset === p.offset, p.weight, p.rest)) return p.get(self, 0);
      }
    }
    for (const p of ranges) {
      const relative = u32(offset - p.offset);
      if (relative < p.span && (relative & p.strideMask) === 0) return p.get(self, u8(relative >>> p.shift));
    }
    for (const g of guardedRanges) {
      if (g.holds(self)) {
        for (const p of g.parts) {
          const relative = u32(offset - p.offset);
          if (relative < p.span && (relative & p.strideMask) === 0)
            return p.get(self, u8(relative >>> p.shift));
        }
      }
    }
    return otherwise(self, offset);
  };
}

function widePutTree(table: Table<PutPart<u64>>): (self: Cells, offset: u32, value: u64) => void {
  const { ones, guardedOnes, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32, value: u64): void => {
    for (const p of ones) {
      if (weighed(offset === p.offset, p.weight, p.rest)) {
        p.put(self, 0, value);
        return;
      }
    }
    for (const g of guardedOnes) {
      if (g.holds(self)) {
        for (const p of g.parts) {
          if (weighed(offset === p.offset, p.weight, p.rest)) {
            p.put(self, 0, value);
            return;
          }
        }
      }
    }
    for (const p of ranges) {
      const relative = u32(offset - p.offset);
      if (relative < p.span && (relative & p.strideMask) === 0) {
        p.put(self, u8(relative >>> p.shift), value);
        return;
      }
    }
    for (const g of guardedRanges) {
      if (g.holds(self)) {
        for (const p of g.parts) {
          const relative = u32(offset - p.offset);
          if (relative < p.span && (relative & p.strideMask) === 0) {
            p.put(self, u8(relative >>> p.shift), value);
            return;
          }
        }
      }
    }
  };
}
