/**
 * From an offset to a register: a bank's compare tree, written once as loops over frozen tables. The compiler unrolls
 * them, so that what is left are comparisons with constants.
 */
import { u32, u8, type u64 } from "../core/int.ts";
import { weighed } from "../core/intrinsics.ts";
import type { Cells } from "./cell.ts";
import type { DeviceTrace } from "./trace.ts";
import {
  getTable,
  readTable,
  writeTable,
  type Part,
  type PutPart,
  type Settle,
  type Table,
} from "./dispatch-table.ts";
import type { Grid, Placed } from "./unit.ts";

type Get<V> = (self: Cells, offset: u32) => V;
type Put<V> = (self: Cells, offset: u32, value: V) => void;
/** What a device does after a read, and after a write, of a register that changes what it looks at. */
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

/** The access to a bank; `hole` is read where nothing is. */
export function unitAccess<V extends u32 | u64>(
  placed: readonly Placed[],
  grid: Grid,
  hole: V,
  settles: Settles,
  trace: DeviceTrace | undefined,
): UnitAccess<V> {
  const zero = (grid.unitBits === 64 ? 0n : 0) as V;
  const nothing = (_self: Cells, _offset: u32): V => hole;
  const none = (_self: Cells, _offset: u32): V => zero;
  return Object.freeze({
    read: getTree<V>(readTable(placed, grid, settles.read, trace, hole), nothing),
    write: putTree<V>(writeTable(placed, grid, settles.write, trace)),
    peek: getTree<V>(getTable(placed, grid, "peek", hole), nothing),
    background: getTree<V>(getTable(placed, grid, "background", zero), none),
  });
}

function getTree<V>(table: Table<Part<V>>, otherwise: Get<V>): Get<V> {
  const { ones, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32): V => {
    for (const p of ones) if (weighed(offset === p.offset, p.weight, p.rest)) return p.get(self, 0);
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

function putTree<V>(table: Table<PutPart<V>>): Put<V> {
  const { ones, ranges, guardedRanges } = table;
  return (self: Cells, offset: u32, value: V): void => {
    for (const p of ones) {
      if (weighed(offset === p.offset, p.weight, p.rest)) {
        p.put(self, 0, value);
        return;
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
