/**
 * The MSRs that a guest finds, each a row: its number, who may access it, its fields and where the manual has it, and
 * what it does beyond being constant or kept. What is not here raises #GP.
 */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { bit, bits, constant, readOnly } from "../../../dsl/device/field.ts";
import type { MsrValue } from "../../../dsl/device/msr.ts";
import { repeat, ro, rw, type Register } from "../../../dsl/device/register.ts";
import { Request } from "../../../kernel/vcpu.ts";
import type { LocalApics } from "../guest/local-apic.ts";
import { arePatTypes, memoryTypes, mtrrRows, ofEachByte } from "./mtrr-rows.ts";
import { constantMsr, refused, type MsrRow } from "./msr.ts";
import { setEfer } from "./registers.ts";
import { isEferChangeValid } from "./state.ts";
import type { SvmVcpu } from "./vcpu.ts";

/** Where the rows reach beyond the vCPU. */
export interface MsrSurroundings {
  readonly apics: LocalApics;
  /** The host's time-stamp counter. */
  readonly counter: () => u64;
}

/** A register that keeps what is written and does nothing. `at` indexes `storedMsr`. */
function stored(name: string, register: Register, at: number): MsrRow {
  return {
    name,
    register,
    read: (v: SvmVcpu, _msr: u32): u64 => v.storedMsr[at],
    write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
      v.storedMsr[at] = value;
      return true;
    },
  };
}

/** What is said of bits that the row leaves to the local APIC to check. */
const checked = "0; the APIC refuses anything else";
/** Bits that read as 0, whatever was written. */
const zero = () => constant(bits(63, 0), 0);

/** Adds to the guest's counter, and to what it knows to have been added (Intel SDM vol. 3 §18.17.3). */
function shiftCounter(v: SvmVcpu, by: u64): void {
  v.vmcb.tscOffset = u64(v.vmcb.tscOffset + by);
  v.tscAdjust = u64(v.tscAdjust + by);
}

/** The rows of a guest in these surroundings. Ordered by how often Linux uses them. */
export function msrRows({ apics, counter }: MsrSurroundings): readonly MsrRow[] {
  return Object.freeze([
    {
      name: "IA32_TSC_DEADLINE",
      register: rw(
        0x6e0,
        {},
        {
          about: "When the local APIC's timer interrupts, as the guest's TSC counts; 0 stops it",
          section: "Intel SDM vol. 3 §11.5.4.1",
        },
      ),
      read: (v: SvmVcpu, _msr: u32): u64 => apics.readDeadline(v.core.index),
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        // The domain's clock does not know of what the guest has added to its counter.
        apics.writeDeadline(v.core.index, value, u64(value - v.tscAdjust));
        return true;
      },
    },
    {
      name: "IA32_APIC_BASE",
      register: rw(
        0x1b,
        {
          none: bits(7, 0, checked),
          bootstrap: readOnly(bit(8, "This is the bootstrap processor")),
          none9: bit(9, checked),
          x2apic: bit(10, "x2APIC mode; entered from xAPIC mode, left by disabling"),
          enabled: bit(11, "The local APIC is on"),
          base: bits(63, 12, "Its page of memory, always 0xfee00; the APIC refuses anything else"),
        },
        { about: "Mode and place of the local APIC", section: "APM vol. 2 §16; Intel SDM vol. 3 §11.12.5" },
      ),
      read: (v: SvmVcpu, _msr: u32): u64 => apics.readBase(v.core.index),
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => apics.writeBase(v.core.index, value),
    },
    {
      name: "TSC",
      register: rw(0x10, {}, { about: "The guest's time-stamp counter", section: "APM vol. 2 §13.2.4" }),
      read: (v: SvmVcpu, _msr: u32): u64 => u64(counter() + v.vmcb.tscOffset),
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        shiftCounter(v, u64(value - u64(counter() + v.vmcb.tscOffset)));
        return true;
      },
    },
    {
      name: "IA32_TSC_ADJUST",
      register: rw(
        0x3b,
        {},
        { about: "What was added to the counter; a write shifts it", section: "Intel SDM vol. 3 §18.17.3" },
      ),
      read: (v: SvmVcpu, _msr: u32): u64 => v.tscAdjust,
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        shiftCounter(v, u64(value - v.tscAdjust));
        return true;
      },
    },
    {
      name: "EFER",
      register: rw(
        0xc000_0080,
        {
          sce: bit(0, "SYSCALL and SYSRET"),
          none: refused(7, 1),
          lme: bit(8, "Long mode with the next paging; refused to change while paging is on"),
          none9: refused(9, 9),
          lma: readOnly(bit(10, "Long mode is active")),
          nxe: bit(11, "Pages that are not executed"),
          none12: refused(63, 12),
        },
        { about: "Extended features", section: "APM vol. 2 §3.1.7" },
      ),
      read: (v: SvmVcpu, _msr: u32): u64 => v.efer,
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        if (!isEferChangeValid(value, v.efer, v.vmcb.cr0)) return false;
        const lma = 0x400n;
        setEfer(v, u64((value & ~lma) | (v.efer & lma)));
        v.core.requests.or(Request.flush);
        return true;
      },
    },
    {
      name: "PAT",
      register: rw(
        0x277,
        ofEachByte((byte, lsb) => ({
          [`pa${byte}`]: bits(lsb + 2, lsb),
          [`none${byte}`]: refused(lsb + 7, lsb + 3),
        })),
        {
          about: `Memory types that pages name by PAT, PCD and PWT: ${memoryTypes}, 7 uncached unless an MTRR says otherwise; no others`,
          section: "APM vol. 2 §7.8.1",
        },
      ),
      read: (v: SvmVcpu, _msr: u32): u64 => v.vmcb.pat,
      write: (v: SvmVcpu, _msr: u32, value: u64): boolean => {
        if (!arePatTypes(value)) return false;
        v.vmcb.pat = value;
        v.core.requests.or(Request.flush);
        return true;
      },
    },
    ...mtrrRows,
    {
      name: "x2APIC",
      register: repeat(
        256,
        1,
        rw(
          0x800,
          {},
          {
            about: "Registers of the local APIC, where that has them and is in x2APIC mode",
            section: "Intel SDM vol. 3 §11.12",
          },
        ),
      ),
      read: null,
      readChecked: (v: SvmVcpu, msr: u32): MsrValue => apics.readRegister(v.core.index, u32(msr - 0x800)),
      write: (v: SvmVcpu, msr: u32, value: u64): boolean =>
        apics.writeRegister(v.core.index, u32(msr - 0x800), value),
    },
    constantMsr(
      "PATCH_LEVEL",
      rw(0x8b, { level: zero() }, { about: "No microcode patch is known", section: "APM vol. 2 appendix A" }),
    ),
    constantMsr(
      "DebugCtl",
      rw(0x1d9, { control: zero() }, { about: "Branches are not recorded", section: "APM vol. 2 §13.1.1" }),
    ),
    stored(
      "SYSCFG",
      rw(0xc001_0010, {}, { about: "It is kept, and does nothing", section: "APM vol. 2 §3.2.1" }),
      0,
    ),
    stored(
      "HWCR",
      rw(0xc001_0015, {}, { about: "It is kept, and does nothing", section: "APM vol. 2 §3.2.10" }),
      1,
    ),
    constantMsr(
      "INT_PENDING",
      ro(
        0xc001_0055,
        { pending: zero() },
        { about: "No messages to a chipset", section: "APM vol. 2 appendix A" },
      ),
    ),
    constantMsr(
      "DE_CFG",
      rw(
        0xc001_1029,
        {
          below: constant(bit(0), false),
          // The CPU is or is not so without this register.
          serialisingLfence: constant(bit(1, "LFENCE serialises the dispatch of instructions"), true),
          above: constant(bits(63, 2), 0),
        },
        { about: "Decoder configuration", section: "APM vol. 2 appendix A" },
      ),
    ),
  ]);
}
