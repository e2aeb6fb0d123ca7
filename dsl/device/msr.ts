/**
 * Access to a bank of MSRs, which may be refused: a register that is not there, one that cannot be read or written, and
 * a value that a register does not take get #GP, with no line of code. Apart from that it is the dispatch of any bank.
 */
import { u32, u64, u8 } from "../core/int.ts";
import { weighed } from "../core/intrinsics.ts";
import type { Cells, WideCells } from "./cell.ts";
import { readTable, writeTable, type PutPart, type Settle } from "./dispatch-table.ts";
import type { DeviceTrace } from "./trace.ts";
import type { Placed } from "./unit.ts";

/** What a read of an MSR came to. */
export interface MsrValue {
  /** False: #GP. */
  readonly ok: boolean;
  readonly value: u64;
}

/** Reads and writes MSRs by their offset from the bank's base. */
export interface MsrAccess<U = Cells> {
  readonly read: (self: U, offset: u32) => MsrValue;
  /** False, and nothing has changed: #GP. */
  readonly write: (self: U, offset: u32, value: u64) => boolean;
}

const grid = Object.freeze({ unitBits: 64, step: 1, hole: 0n });

type Accepts = (self: Cells, index: u8, value: u64) => boolean;

/** Whether a register takes a value: by its reserved bits, and by what its author says; undefined where it takes all. */
function acceptsOf({ plan }: Placed): Accepts | undefined {
  const { strict, demanded } = plan.masks;
  const { accepts } = plan.handlers;
  const many = plan.register.many;
  const bits = u64(strict);
  const wanted = u64(demanded);
  const single = accepts as ((self: WideCells, value: u64) => boolean) | undefined;
  const indexed = accepts as ((self: WideCells, index: u8, value: u64) => boolean) | undefined;
  if (accepts === undefined) {
    if (strict === 0n) return undefined;
    return (_self: Cells, _index: u8, value: u64): boolean => u64(value & bits) === wanted;
  }
  const taken = many
    ? (self: WideCells, index: u8, value: u64): boolean =>
        u64(value & bits) === wanted && indexed!(self, index, value)
    : (self: WideCells, _index: u8, value: u64): boolean =>
        u64(value & bits) === wanted && single!(self, value);
  return taken as unknown as Accepts;
}

type Put = (self: Cells, index: u8, value: u64) => boolean;

function checkedPut(part: PutPart<u64>, accepts: Accepts | undefined): Put {
  const put = part.put;
  if (accepts === undefined) {
    return (self: Cells, index: u8, value: u64): boolean => {
      put(self, index, value);
      return true;
    };
  }
  return (self: Cells, index: u8, value: u64): boolean => {
    if (!accepts(self, index, value)) return false;
    put(self, index, value);
    return true;
  };
}

/** The access to a bank of MSRs. */
export function msrAccess(
  all: readonly Placed[],
  settle: Settle | undefined,
  trace: DeviceTrace | undefined,
): MsrAccess {
  const placed = all.filter((p) => p.plan.register.apic === undefined);
  const readable = readTable<u64>(placed, grid, settle, trace, 0n);
  const writable = writeTable<u64>(placed, grid, settle, trace);
  const acceptsAt = (offset: number): Accepts | undefined => {
    const found = placed.find((p) => p.offset === offset && p.plan.register.access !== "ro");
    return found === undefined ? undefined : acceptsOf(found);
  };
  const checked = <P extends PutPart<u64>>(part: P): Omit<P, "put"> & { readonly put: Put } =>
    Object.freeze({ ...part, put: checkedPut(part, acceptsAt(part.offset)) });
  const { ones, ranges } = readable;
  const putOnes = Object.freeze(writable.ones.map((p) => checked(p)));
  const putRanges = Object.freeze(writable.ranges.map((p) => checked(p)));
  return Object.freeze({
    read: (self: Cells, offset: u32): MsrValue => {
      for (const p of ones)
        if (weighed(offset === p.offset, p.weight, p.rest)) return { ok: true, value: p.get(self, 0) };
      for (const p of ranges) {
        const relative = u32(offset - p.offset);
        if (relative < p.span && (relative & p.strideMask) === 0)
          return { ok: true, value: p.get(self, u8(relative >>> p.shift)) };
      }
      return { ok: false, value: 0n };
    },
    write: (self: Cells, offset: u32, value: u64): boolean => {
      for (const p of putOnes)
        if (weighed(offset === p.offset, p.weight, p.rest)) return p.put(self, 0, value);
      for (const p of putRanges) {
        const relative = u32(offset - p.offset);
        if (relative < p.span && (relative & p.strideMask) === 0)
          return p.put(self, u8(relative >>> p.shift), value);
      }
      return false;
    },
  });
}
