/**
 * What model-specific registers do for a guest, as a table. A register that is not listed raises #GP, and so does a
 * value that a row refuses; neither takes a line of code.
 */
import { u32, type u64 } from "../../../dsl/core/int.ts";
import type { MsrValue } from "../../../dsl/device/msr.ts";
import { reserved } from "../../../dsl/device/field.ts";
import { masksOf, resetOf } from "../../../dsl/device/plan.ts";
import type { Register } from "../../../dsl/device/register.ts";
import type { DeclaredMsrs } from "../guest/interfaces.ts";
import type { SvmVcpu } from "./vcpu.ts";

/**
 * A register, or a run of them, with one behaviour. What it is called, its numbers, its fields and who may access it are
 * declared as those of a device are (`dsl/device/register.ts`): an access that is not declared raises #GP, and so does a
 * write of something else into bits that are reserved and refuse it, before `write` is asked.
 */
export interface MsrRow {
  /** The manual's mnemonic. */
  readonly name: string;
  readonly register: Register;
  /** Null where it may not be read, or `readChecked` is there. */
  readonly read: ((v: SvmVcpu, msr: u32) => u64) | null;
  /** In place of `read`, where a register of the run may be absent. */
  readonly readChecked?: (v: SvmVcpu, msr: u32) => MsrValue;
  /** False raises #GP. Null where it may not be written. */
  readonly write: ((v: SvmVcpu, msr: u32, value: u64) => boolean) | null;
}

/** A register whose bits are all declared constant; where it can be written, writes are dropped. Build time. */
export function constantMsr(name: string, register: Register): MsrRow {
  const value = resetOf(register);
  return {
    name,
    register,
    read: (_v: SvmVcpu, _msr: u32): u64 => value,
    write: register.access === "ro" ? null : (_v: SvmVcpu, _msr: u32, _value: u64): boolean => true,
  };
}

/** Bits that a write must leave 0. Build time. */
export const refused = (msb: number, lsb: number) => reserved(msb, lsb, { wrongWrite: "refuse" });

/** The MSRs of a guest. */
export interface GuestMsrs {
  read(v: SvmVcpu, msr: u32): MsrValue;
  /** False raises #GP. */
  write(v: SvmVcpu, msr: u32, value: u64): boolean;
}

/** Registers that a guest reads and writes without an exit: VMLOAD and VMSAVE, or a vCPU switch, carry them. */
export const passedThrough = Object.freeze({
  ...{ STAR: 0xc000_0081, LSTAR: 0xc000_0082, CSTAR: 0xc000_0083, SFMASK: 0xc000_0084 },
  ...{ "FS.base": 0xc000_0100, "GS.base": 0xc000_0101, KernelGSbase: 0xc000_0102, TSC_AUX: 0xc000_0103 },
  ...{ SYSENTER_CS: 0x174, SYSENTER_ESP: 0x175, SYSENTER_EIP: 0x176 },
} as const);

/** Byte and lowest bit of an MSR in the permission map (APM vol. 2 §15.11): two bits each, read then write. Build time. */
export function permissionBit(msr: number): { readonly byte: number; readonly bit: number } {
  const ranges = [
    [0x0000_0000, 0x0000],
    [0xc000_0000, 0x0800],
    [0xc001_0000, 0x1000],
  ] as const;
  for (const [base, byte] of ranges) {
    if (msr >= base && msr < base + 0x2000)
      return { byte: byte + ((msr - base) >> 2), bit: ((msr - base) & 3) * 2 };
  }
  throw new RangeError(`msr 0x${msr.toString(16)} is in no range of the permission map`);
}

/** The numbers of a row. */
function numbersOf({ register: { offset, count, stride } }: MsrRow): readonly number[] {
  return Array.from({ length: count }, (_, i) => offset + i * stride);
}

/** Refuses rows that say two things of one register. */
function checkRows(rows: readonly MsrRow[]): void {
  const taken = new Map<number, string>();
  for (const row of rows) {
    const { access } = row.register;
    const reads = row.read !== null || row.readChecked !== undefined;
    if (reads !== (access !== "wo") || (row.write !== null) !== (access !== "ro"))
      throw new RangeError(`msr row ${row.name} is declared ${access}, and its handlers say otherwise`);
    for (const number of numbersOf(row)) {
      const other = taken.get(number);
      if (other !== undefined) throw new RangeError(`msr row ${row.name} overlaps ${other}`);
      taken.set(number, row.name);
    }
  }
}

/** Where a row's registers are found: one number, or a run of numbers `stride` apart. */
function placeOf({ offset, count, stride }: Register) {
  const numbers = Math.max(1, stride);
  return { first: offset, single: count === 1, span: count * numbers, between: numbers - 1 };
}

/** A row's `write` behind what its reserved bits say. */
function takingOf({ register, write }: MsrRow): NonNullable<MsrRow["write"]> {
  const { strict, demanded } = masksOf(register, 64);
  const put = write!;
  if (strict === 0n) return put;
  return (v: SvmVcpu, msr: u32, value: u64): boolean => (value & strict) === demanded && put(v, msr, value);
}

/**
 * Builds the dispatch over rows; those that come first are looked at first, and what devices declare comes last.
 * Throws RangeError at build time for rows that overlap, and for handlers that do not fit the declared access.
 */
export function guestMsrs(rows: readonly MsrRow[], declared: DeclaredMsrs | null): GuestMsrs {
  checkRows(rows);
  const readable = rows
    .filter((r) => r.register.access !== "wo")
    .map((r) => {
      const plain = r.read;
      const read =
        r.readChecked ?? ((v: SvmVcpu, msr: u32): MsrValue => ({ ok: true, value: plain!(v, msr) }));
      return { ...placeOf(r.register), read };
    });
  const writable = rows
    .filter((r) => r.register.access !== "ro")
    .map((r) => ({ ...placeOf(r.register), write: takingOf(r) }));
  return {
    read(v: SvmVcpu, msr: u32): MsrValue {
      for (const r of readable) {
        if (r.single) {
          if (msr === r.first) return r.read(v, msr);
        } else {
          const at = u32(msr - r.first);
          if (at < r.span && (at & r.between) === 0) return r.read(v, msr);
        }
      }
      if (declared !== null) return declared.read(v.core.index, msr);
      return { ok: false, value: 0n };
    },
    write(v: SvmVcpu, msr: u32, value: u64): boolean {
      for (const r of writable) {
        if (r.single) {
          if (msr === r.first) return r.write(v, msr, value);
        } else {
          const at = u32(msr - r.first);
          if (at < r.span && (at & r.between) === 0) return r.write(v, msr, value);
        }
      }
      return declared !== null && declared.write(v.core.index, msr, value);
    },
  };
}
