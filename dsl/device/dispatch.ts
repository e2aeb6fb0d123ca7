/**
 * From an offset to a register: a bank's compare tree, written once as loops over frozen tables. The compiler unrolls
 * them, so that what is left are comparisons with constants.
 */
import { u32, u8, type u64 } from "../core/int.ts";
import type { Cells } from "./cell.ts";
import {
  getTable,
  putTable,
  type Grid,
  type Part,
  type Placed,
  type PutPart,
  type Table,
} from "./dispatch-table.ts";

/** Reads, writes and looks at one unit of a bank, by its offset. `V` is u64 in a bank of 64-bit units, else u32. */
export interface UnitAccess<V> {
  readonly read: (self: Cells, offset: u32) => V;
  readonly write: (self: Cells, offset: u32, value: V) => void;
  /** As `read`, of write-only registers too, and nothing changes. */
  readonly peek: (self: Cells, offset: u32) => V;
  /** What the rest of a unit is taken to be when a part of it is written. */
  readonly background: (self: Cells, offset: u32) => V;
}

/** The access to a bank of units of up to 32 bits; `hole` is read where nothing is. */
export function unitAccess(placed: readonly Placed[], grid: Grid, hole: u32): UnitAccess<u32> {
  return Object.freeze({
    read: getTree(getTable(placed, grid, "read"), hole),
    write: putTree(putTable(placed, grid)),
    peek: getTree(getTable(placed, grid, "peek"), hole),
    background: getTree(getTable(placed, grid, "background"), 0),
  });
}

/** The access to a bank of 64-bit units. */
export function wideUnitAccess(placed: readonly Placed[], grid: Grid, hole: u64): UnitAccess<u64> {
  return Object.freeze({
    read: wideGetTree(getTable(placed, grid, "read"), hole),
    write: widePutTree(putTable(placed, grid)),
    peek: wideGetTree(getTable(placed, grid, "peek"), hole),
    background: wideGetTree(getTable(placed, grid, "background"), 0n),
  });
}

function getTree(table: Table<Part<u32>>, hole: u32): (self: Cells, offset: u32) => u32 {
  const { ones, guardedOnes, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32): u32 => {
    for (const p of ones) if (offset === p.offset) return p.get(self, 0);
    for (const g of guardedOnes) {
      if (g.holds(self)) {
        for (const p of g.parts) if (offset === p.offset) return p.get(self, 0);
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
    return hole;
  };
}

function putTree(table: Table<PutPart<u32>>): (self: Cells, offset: u32, value: u32) => void {
  const { ones, guardedOnes, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32, value: u32): void => {
    for (const p of ones) {
      if (offset === p.offset) {
        p.put(self, 0, value);
        return;
      }
    }
    for (const g of guardedOnes) {
      if (g.holds(self)) {
        for (const p of g.parts) {
          if (offset === p.offset) {
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

function wideGetTree(table: Table<Part<u64>>, hole: u64): (self: Cells, offset: u32) => u64 {
  const { ones, guardedOnes, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32): u64 => {
    for (const p of ones) if (offset === p.offset) return p.get(self, 0);
    for (const g of guardedOnes) {
      if (g.holds(self)) {
        for (const p of g.parts) if (offset === p.offset) return p.get(self, 0);
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
    return hole;
  };
}

function widePutTree(table: Table<PutPart<u64>>): (self: Cells, offset: u32, value: u64) => void {
  const { ones, guardedOnes, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32, value: u64): void => {
    for (const p of ones) {
      if (offset === p.offset) {
        p.put(self, 0, value);
        return;
      }
    }
    for (const g of guardedOnes) {
      if (g.holds(self)) {
        for (const p of g.parts) {
          if (offset === p.offset) {
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
