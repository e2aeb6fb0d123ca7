/** The MSRs that a guest finds, each a row (APM vol. 2, appendix A). What is not here raises #GP. */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { Request } from "../../../kernel/vcpu.ts";
import type { LocalApics } from "../guest/local-apic.ts";
import { readTsc } from "../instructions.ts";
import type { MsrValue } from "../../../dsl/device/msr.ts";
import type { MsrRow } from "./msr.ts";
import { setEfer } from "./registers.ts";
import { isEferValid } from "./state.ts";
import type { SvmVcpu } from "./vcpu.ts";

/** A register of one value; writes are dropped. */
function constant(name: string, first: number, value: bigint): MsrRow {
  return {
    name,
    first,
    last: first,
    read: (_v: SvmVcpu, _msr: u32): u64 => value,
    write: (_v: SvmVcpu, _msr: u32, _value: u64): boolean => true,
  };
}

/** A register of one value that cannot be written. */
function readOnly(name: string, first: number, value: bigint): MsrRow {
  return { name, first, last: first, read: (_v: SvmVcpu, _msr: u32): u64 => value, write: null };
}

/** A register that keeps what is written and does nothing. `at` indexes `storedMsr`. */
function stored(name: string, first: number, at: number): MsrRow {
  return {
    name,
    first,
    last: first,
    read: (v: SvmVcpu, _msr: u32): u64 => v.storedMsr[at],
    write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
      v.storedMsr[at] = value;
      return true;
    },
  };
}

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
function arePatTypes(value: u64): boolean {
  for (let i = 0; i < 8; i++) {
    const type = u32(value >> BigInt(8 * i)) & 0xff;
    if (!isMtrrType(type) && type !== 7) return false;
  }
  return true;
}

/** Adds to the guest's counter, and to what it knows to have been added (Intel SDM vol. 3 §18.17.3). */
function shiftCounter(v: SvmVcpu, by: u64): void {
  v.vmcb.tscOffset = u64(v.vmcb.tscOffset + by);
  v.tscAdjust = u64(v.tscAdjust + by);
}

const variableMtrrs = 16;
const defaultTypeAt = 27;

/** A run of fixed MTRRs. `at` indexes `mtrr`. */
function fixedMtrrs(name: string, first: number, last: number, at: number): MsrRow {
  const count = last - first + 1;
  return {
    name,
    first,
    last,
    read: (v: SvmVcpu, msr: u32): u64 => v.mtrr[at + Math.min(msr - first, count - 1)],
    write: (v: SvmVcpu, msr: u32, value: u64): boolean => {
      if (!areMtrrTypes(value)) return false;
      v.mtrr[at + Math.min(msr - first, count - 1)] = value;
      return true;
    },
  };
}

/** The rows of a guest whose local APICs are `apics`. Ordered by how often Linux uses them. */
export function msrRows(apics: LocalApics): readonly MsrRow[] {
  return Object.freeze([
    {
      name: "IA32_TSC_DEADLINE",
      first: 0x6e0,
      last: 0x6e0,
      read: (v: SvmVcpu, _msr: u32): u64 => apics.readDeadline(v.core.index),
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        // The domain's clock does not know of what the guest has added to its counter.
        apics.writeDeadline(v.core.index, value, u64(value - v.tscAdjust));
        return true;
      },
    },
    {
      name: "IA32_APIC_BASE",
      first: 0x1b,
      last: 0x1b,
      read: (v: SvmVcpu, _msr: u32): u64 => apics.readBase(v.core.index),
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => apics.writeBase(v.core.index, value),
    },
    {
      name: "TSC",
      first: 0x10,
      last: 0x10,
      read: (v: SvmVcpu, _msr: u32): u64 => u64(readTsc() + v.vmcb.tscOffset),
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        shiftCounter(v, u64(value - u64(readTsc() + v.vmcb.tscOffset)));
        return true;
      },
    },
    {
      name: "IA32_TSC_ADJUST",
      first: 0x3b,
      last: 0x3b,
      read: (v: SvmVcpu, _msr: u32): u64 => v.tscAdjust,
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        shiftCounter(v, u64(value - v.tscAdjust));
        return true;
      },
    },
    {
      name: "EFER",
      first: 0xc000_0080,
      last: 0xc000_0080,
      read: (v: SvmVcpu, _msr: u32): u64 => v.efer,
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        if (!isEferValid(value, v.efer, v.vmcb.cr0)) return false;
        const lma = 0x400n;
        setEfer(v, u64((value & ~lma) | (v.efer & lma)));
        v.core.requests.or(Request.flush);
        return true;
      },
    },
    {
      name: "PAT",
      first: 0x277,
      last: 0x277,
      read: (v: SvmVcpu, _msr: u32): u64 => v.vmcb.pat,
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        if (!arePatTypes(value)) return false;
        v.vmcb.pat = value;
        v.core.requests.or(Request.flush);
        return true;
      },
    },
    // Fixed-range registers, write-combining, 8 variable ranges.
    readOnly("MTRRcap", 0xfe, 0x508n),
    {
      name: "MTRRphys",
      first: 0x200,
      last: 0x20f,
      read: (v: SvmVcpu, msr: u32): u64 => v.mtrr[msr & (variableMtrrs - 1)],
      write: (v: SvmVcpu, msr: u32, value: u64): boolean => {
        // Even: base with a type; odd: mask with the valid bit.
        const low = u32(value) & 0xfff;
        if ((msr & 1) === 0 ? low > 0xff || !isMtrrType(low) : (low & 0x7ff) !== 0) return false;
        v.mtrr[msr & (variableMtrrs - 1)] = value;
        return true;
      },
    },
    fixedMtrrs("MTRRfix64K", 0x250, 0x250, 16),
    fixedMtrrs("MTRRfix16K", 0x258, 0x259, 17),
    fixedMtrrs("MTRRfix4K", 0x268, 0x26f, 19),
    {
      name: "MTRRdefType",
      first: 0x2ff,
      last: 0x2ff,
      read: (v: SvmVcpu, _msr: u32): u64 => v.mtrr[defaultTypeAt],
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        if ((value & ~0xcffn) !== 0n || !isMtrrType(u32(value) & 0xff)) return false;
        v.mtrr[defaultTypeAt] = value;
        return true;
      },
    },
    {
      name: "x2APIC",
      first: 0x800,
      last: 0x8ff,
      read: null,
      readChecked: (v: SvmVcpu, msr: u32): MsrValue => apics.readRegister(v.core.index, u32(msr - 0x800)),
      write: (v: SvmVcpu, msr: u32, value: u64): boolean =>
        apics.writeRegister(v.core.index, u32(msr - 0x800), value),
    },
    constant("PATCH_LEVEL", 0x8b, 0n),
    constant("DebugCtl", 0x1d9, 0n),
    stored("SYSCFG", 0xc001_0010, 0),
    stored("HWCR", 0xc001_0015, 1),
    readOnly("INT_PENDING", 0xc001_0055, 0n),
    // LFENCE is dispatch-serialising (bit 1), which the CPU is or is not without this register.
    constant("DE_CFG", 0xc001_1029, 2n),
  ]);
}
