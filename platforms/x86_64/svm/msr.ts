/**
 * What model-specific registers do for a guest, as a table. A register that is not listed raises #GP, and so does a
 * value that a row refuses; neither takes a line of code.
 */
import type { u32, u64 } from "../../../dsl/core/int.ts";
import type { MsrValue } from "../../../dsl/device/msr.ts";
import type { DeclaredMsrs } from "../guest/interfaces.ts";
import type { SvmVcpu } from "./vcpu.ts";

/** A run of registers with one behaviour. A missing `read` or `write` raises #GP. */
export interface MsrRow {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly read: ((v: SvmVcpu, msr: u32) => u64) | null;
  /** In place of `read`, where a register of the run may be absent. */
  readonly readChecked?: (v: SvmVcpu, msr: u32) => MsrValue;
  /** False raises #GP. */
  readonly write: ((v: SvmVcpu, msr: u32, value: u64) => boolean) | null;
}

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

/**
 * Builds the dispatch over rows; those that come first are looked at first, and what devices declare comes last.
 * Overlapping rows throw at build time.
 */
export function guestMsrs(rows: readonly MsrRow[], declared: DeclaredMsrs | null): GuestMsrs {
  rows.forEach((row, i) => {
    const other = rows.slice(0, i).find((r) => row.first <= r.last && r.first <= row.last);
    if (other !== undefined) throw new RangeError(`msr row ${row.name} overlaps ${other.name}`);
  });
  const readable = rows
    .filter((r) => r.read !== null || r.readChecked !== undefined)
    .map((r) => {
      const plain = r.read;
      const read =
        r.readChecked ?? ((v: SvmVcpu, msr: u32): MsrValue => ({ ok: true, value: plain!(v, msr) }));
      return { first: r.first, last: r.last, single: r.first === r.last, read };
    });
  const writable = rows
    .filter((r) => r.write !== null)
    .map((r) => ({ first: r.first, last: r.last, single: r.first === r.last, write: r.write! }));
  return {
    read(v: SvmVcpu, msr: u32): MsrValue {
      for (const r of readable) {
        if (r.single) {
          if (msr === r.first) return r.read(v, msr);
        } else {
          if (msr >= r.first && msr <= r.last) return r.read(v, msr);
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
          if (msr >= r.first && msr <= r.last) return r.write(v, msr, value);
        }
      }
      return declared !== null && declared.write(v.core.index, msr, value);
    },
  };
}
