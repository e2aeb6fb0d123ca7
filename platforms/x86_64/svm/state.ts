/** SVM's vCPU as the software that looks into a guest sees it, and the validity of its control registers. */
import { u64, u8, type u32 } from "../../../dsl/core/int.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";
import { raise } from "../../../kernel/arbiter.ts";
import type { SlotTable } from "../../../kernel/slots.ts";
import { Mode } from "../decode/operation.ts";
import type { Segmentation } from "../decode/effective-address.ts";
import type { Plan } from "../decode/plan.ts";
import type { CodePages } from "../guest/code-page.ts";
import { decodedCount, type Decoded } from "../guest/decoded.ts";
import type { GuestState } from "../guest/state.ts";
import type { PagingState } from "../guest/walk.ts";
import type { SvmVcpu } from "./vcpu.ts";

const eferLma = 1n << 10n;
/** CS attributes: L is bit 9, D bit 10 (descriptor bits 53 and 54). */
const attributeLong = 0x200;
const attributeBig = 0x400;

/** Whether the guest executes 64-bit code. */
export function isLong64(v: SvmVcpu): boolean {
  return (v.vmcb.efer & eferLma) !== 0n && (v.vmcb.cs.attributes & attributeLong) !== 0;
}

const rflagsTf = 0x100n;
const debugSingleStep = 1n << 14n;

/**
 * Continues at `rip` after an instruction that software performed: outside 64-bit mode RIP has 32 bits, the interrupt
 * shadow is over, and a set TF gives its #DB.
 */
export function advanceTo(v: SvmVcpu, rip: u64): void {
  const vmcb = v.vmcb;
  vmcb.rip = isLong64(v) ? rip : u64(rip & 0xffff_ffffn);
  vmcb.interruptShadow = 0n;
  if ((vmcb.rflags & rflagsTf) !== 0n) {
    vmcb.dr6 = u64(vmcb.dr6 | debugSingleStep);
    raise(v.core, 1, false, 0);
  }
}

/** The accessor for fetch, translation and emulation. */
export const svmState: GuestState<SvmVcpu> = Object.freeze({
  slots(v: SvmVcpu): SlotTable {
    return v.core.domain!.slots;
  },
  paging(v: SvmVcpu): PagingState {
    const vmcb = v.vmcb;
    return {
      cr0: vmcb.cr0,
      cr3: vmcb.cr3,
      cr4: vmcb.cr4,
      efer: vmcb.efer,
      rflags: vmcb.rflags,
      cpl: vmcb.cpl,
    };
  },
  index(v: SvmVcpu): u32 {
    return v.core.index;
  },
  rip(v: SvmVcpu): u64 {
    return v.vmcb.rip;
  },
  rflags(v: SvmVcpu): u64 {
    return v.vmcb.rflags;
  },
  gpr(v: SvmVcpu): FixedArray<u64> {
    return v.gpr;
  },
  segmentation(v: SvmVcpu): Segmentation {
    const vmcb = v.vmcb;
    const segmentation = v.segmentation;
    segmentation.base[0] = vmcb.es.base;
    segmentation.base[1] = vmcb.cs.base;
    segmentation.base[2] = vmcb.ss.base;
    segmentation.base[3] = vmcb.ds.base;
    segmentation.base[4] = vmcb.fs.base;
    segmentation.base[5] = vmcb.gs.base;
    segmentation.stackSize = isLong64(v) ? 8 : (vmcb.ss.attributes & attributeBig) !== 0 ? 4 : 2;
    return segmentation;
  },
  plan(v: SvmVcpu): Plan {
    return v.plan;
  },
  finish(v: SvmVcpu, rip: u64, rflags: u64): void {
    v.vmcb.rflags = rflags;
    advanceTo(v, rip);
  },
  codeBase(v: SvmVcpu): u64 {
    return isLong64(v) ? 0n : v.vmcb.cs.base;
  },
  mode(v: SvmVcpu): Mode {
    if (isLong64(v)) return Mode.bits64;
    return (v.vmcb.cs.attributes & attributeBig) !== 0 ? Mode.bits32 : Mode.bits16;
  },
  codePages(v: SvmVcpu): CodePages {
    return v.codePages;
  },
  decoded(v: SvmVcpu): Decoded {
    return v.decoded[v.decodedAt & (decodedCount - 1)];
  },
  chooseDecoded(v: SvmVcpu, index: u32): Decoded {
    v.decodedAt = u8(index);
    return v.decoded[index & (decodedCount - 1)];
  },
});

/** Bits of CR0 that exist (APM vol. 2 §3.1.1). */
const cr0Pe = 1n;
const cr0Et = 1n << 4n;
const cr0Nw = 1n << 29n;
const cr0Cd = 1n << 30n;
const cr0Pg = 1n << 31n;
const cr0Known = 0xe005_003fn;

/** Whether CR0 may take a value, given EFER, CR4 and CS.L: false raises #GP(0). */
export function isCr0Valid(value: u64, efer: u64, cr4: u64, codeLong: boolean): boolean {
  if (value >> 32n !== 0n) return false;
  if ((value & cr0Pg) !== 0n && (value & cr0Pe) === 0n) return false;
  if ((value & cr0Nw) !== 0n && (value & cr0Cd) === 0n) return false;
  // 64-bit code cannot turn paging off (APM vol. 2 §14.6.2).
  if ((value & cr0Pg) === 0n && (efer & eferLma) !== 0n && codeLong) return false;
  if ((value & cr0Pg) !== 0n && (efer & eferLme) !== 0n) {
    if ((cr4 & cr4Pae) === 0n || (codeLong && (efer & eferLma) === 0n)) return false;
  }
  return true;
}

/** CR0 as it is kept: ET reads as 1, bits that do not exist are dropped. */
export function normaliseCr0(value: u64): u64 {
  return u64((value & cr0Known) | cr0Et);
}

const cr4Pae = 1n << 5n;
const cr4La57 = 1n << 12n;
const cr4Pcide = 1n << 17n;
const eferLme = 1n << 8n;

/** Whether CR4 may take a value, given the bits that the guest's CPUID offers: false raises #GP(0). */
export function isCr4Valid(value: u64, old: u64, allowed: u64, efer: u64): boolean {
  if ((value & ~allowed) !== 0n) return false;
  if ((efer & eferLma) !== 0n && (value & cr4Pae) === 0n) return false;
  if ((efer & eferLma) !== 0n && ((value ^ old) & cr4La57) !== 0n) return false;
  return (value & cr4Pcide) === 0n || (efer & eferLma) !== 0n;
}

/** Whether EFER may change: false raises #GP(0). LME cannot while paging is on. */
export function isEferChangeValid(value: u64, old: u64, cr0: u64): boolean {
  return (cr0 & cr0Pg) === 0n || ((value ^ old) & eferLme) === 0n;
}
