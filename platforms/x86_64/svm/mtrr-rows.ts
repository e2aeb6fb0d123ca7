/** The memory types that MSRs name, and the memory type range registers, of which there are all (APM vol. 2 §7.7). */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { bit, bits, constant, reserved, type FieldRecord } from "../../../dsl/device/field.ts";
import { repeat, ro, rw, type Register } from "../../../dsl/device/register.ts";
import { constantMsr, refused, type MsrRow } from "./msr.ts";
import type { SvmVcpu } from "./vcpu.ts";

/** Whether a byte is a memory type that MTRRs know: UC, WC, WT, WP, WB (APM vol. 2 §7.7.1). */
function isMtrrType(type: u32): boolean {
  return type === 0 || type === 1 || (type >= 4 && type <= 6);
}

/** Whether every byte of a value is a memory type. */
function areMtrrTypes(value: u64): boolean {
  for (let i = 0; i < 8; i++) if (!isMtrrType(u32(value >> BigInt(8 * i)) & 0xff)) return false;
  return true;
}

/** Whether every byte of a value is a PAT type: the MTRRs' and UC- (APM vol. 2 §7.8.1). */
export function arePatTypes(value: u64): boolean {
  for (let i = 0; i < 8; i++) {
    const type = u32(value >> BigInt(8 * i)) & 0xff;
    if (!isMtrrType(type) && type !== 7) return false;
  }
  return true;
}

const variableMtrrs = 16;
const defaultTypeAt = 27;
/** What MTRRs and PAT both have, for the reference. */
export const memoryTypes = "0 uncached, 1 write-combining, 4 write-through, 5 write-protected, 6 write-back";

/** Eight times some fields, each time in a byte of its own. */
export function ofEachByte(fields: (byte: number, lsb: number) => FieldRecord): FieldRecord {
  return Object.assign({}, ...Array.from({ length: 8 }, (_, byte) => fields(byte, 8 * byte))) as FieldRecord;
}

/** Fixed MTRRs: `count` of them, each for eight ranges of `bytes`. `at` indexes `mtrr`. */
function fixedMtrrs(name: string, first: number, count: number, bytes: string, at: number): MsrRow {
  const fields = ofEachByte((byte, lsb) => ({ [`type${byte}`]: bits(lsb + 7, lsb) }));
  const about = `Memory types of eight ranges of ${bytes}, the lowest in [7:0]: ${memoryTypes}; no others`;
  const one = rw(first, fields, { about, section: "APM vol. 2 §7.7.2" });
  return {
    name,
    register: count === 1 ? one : repeat(count, 1, one),
    read: (v: SvmVcpu, msr: u32): u64 => v.mtrr[at + Math.min(msr - first, count - 1)],
    write: (v: SvmVcpu, msr: u32, value: u64): boolean => {
      if (!areMtrrTypes(value)) return false;
      v.mtrr[at + Math.min(msr - first, count - 1)] = value;
      return true;
    },
  };
}

/** A run of variable MTRRs: the bases, or the masks. */
function variableMtrr(name: string, one: Register, takes: (value: u64) => boolean): MsrRow {
  return {
    name,
    register: repeat(8, 2, one as Register<"rw", FieldRecord, u64, false>),
    read: (v: SvmVcpu, msr: u32): u64 => v.mtrr[msr & (variableMtrrs - 1)],
    write: (v: SvmVcpu, msr: u32, value: u64): boolean => {
      if (!takes(value)) return false;
      v.mtrr[msr & (variableMtrrs - 1)] = value;
      return true;
    },
  };
}

/** The rows. */
export const mtrrRows: readonly MsrRow[] = Object.freeze([
  constantMsr(
    "MTRRcap",
    ro(
      0xfe,
      {
        variable: constant(bits(7, 0, "Pairs of variable registers"), variableMtrrs / 2),
        fixed: constant(bit(8, "There are fixed registers"), true),
        none: reserved(9, 9),
        writeCombining: constant(bit(10, "Write-combining is a type"), true),
        none11: reserved(63, 11),
      },
      { about: "Which MTRRs there are", section: "APM vol. 2 §7.7" },
    ),
  ),
  variableMtrr(
    "MTRRphysBase",
    rw(
      0x200,
      {
        type: bits(7, 0, `${memoryTypes}; no others`),
        none: refused(11, 8),
        base: bits(63, 12, "The first page"),
      },
      { about: "Memory type and place of a range", section: "APM vol. 2 §7.7.2" },
    ),
    (value: u64): boolean => isMtrrType(u32(value) & 0xff),
  ),
  variableMtrr(
    "MTRRphysMask",
    rw(
      0x201,
      {
        none: refused(10, 0),
        valid: bit(11, "The pair counts"),
        mask: bits(63, 12, "Bits of an address that must be those of the base"),
      },
      { about: "Size of a range", section: "APM vol. 2 §7.7.2" },
    ),
    (_value: u64): boolean => true,
  ),
  fixedMtrrs("MTRRfix64K", 0x250, 1, "64 KiB from 0", 16),
  fixedMtrrs("MTRRfix16K", 0x258, 2, "16 KiB from 0x80000", 17),
  fixedMtrrs("MTRRfix4K", 0x268, 8, "4 KiB from 0xc0000", 19),
  {
    name: "MTRRdefType",
    register: rw(
      0x2ff,
      {
        type: bits(7, 0, `${memoryTypes}; no others`),
        none: refused(9, 8),
        fixed: bit(10, "Fixed registers count"),
        enabled: bit(11, "MTRRs count"),
        none12: refused(63, 12),
      },
      { about: "Memory type where no range is", section: "APM vol. 2 §7.7.2" },
    ),
    read: (v: SvmVcpu, _msr: u32): u64 => v.mtrr[defaultTypeAt],
    write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
      if (!isMtrrType(u32(value) & 0xff)) return false;
      v.mtrr[defaultTypeAt] = value;
      return true;
    },
  },
]);
