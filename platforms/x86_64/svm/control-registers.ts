/** What a guest's reads and writes of control registers do (APM vol. 2 §3.1). Refused values raise #GP(0). */
import { u64, u8, type u32 } from "../../../dsl/core/int.ts";
import { Request } from "../../../kernel/vcpu.ts";
import { forgetCode } from "../guest/code-page.ts";
import type { LocalApics } from "../guest/local-apic.ts";
import { setCr4, setEfer } from "./registers.ts";
import { guestCr4 } from "./setup.ts";
import { isCr0Valid, isCr4Valid, normaliseCr0 } from "./state.ts";
import type { SvmVcpu } from "./vcpu.ts";

export interface ControlRegisters {
  read(v: SvmVcpu, register: u32): u64;
  /** False raises #GP(0). */
  write(v: SvmVcpu, register: u32, value: u64): boolean;
  /** LMSW: PE, MP, EM and TS alone; PE can be set, not cleared. */
  loadMachineStatus(v: SvmVcpu, value: u64): boolean;
}

const paging = 1n << 31n;
const longModeEnable = 0x100n;
const longModeActive = 0x400n;
const attributeLong = 0x200;

function writeCr0(v: SvmVcpu, wanted: u64): boolean {
  const vmcb = v.vmcb;
  const old = vmcb.cr0;
  if (!isCr0Valid(wanted, v.efer, v.cr4, (vmcb.cs.attributes & attributeLong) !== 0)) return false;
  const value = normaliseCr0(wanted);
  const changed = u64(value ^ old);
  if ((changed & paging) !== 0n) {
    // LMA follows PG while LME is set.
    if ((value & paging) === 0n) setEfer(v, u64(v.efer & ~longModeActive));
    else if ((v.efer & longModeEnable) !== 0n) setEfer(v, u64(v.efer | longModeActive));
  }
  vmcb.cr0 = value;
  forgetCode(v.codePages);
  v.core.requests.or(Request.flush);
  return true;
}

/** Builds the registers of guests whose local APICs are `apics`: CR8 is the task priority. */
export function controlRegisters(apics: LocalApics): ControlRegisters {
  return {
    read(v: SvmVcpu, register: u32): u64 {
      if (register === 4) return v.cr4;
      if (register === 8) return u64(apics.readTaskPriority(v.core.index));
      return v.vmcb.cr0;
    },
    write(v: SvmVcpu, register: u32, value: u64): boolean {
      if (register === 0) return writeCr0(v, value);
      if (register === 4) {
        if (!isCr4Valid(value, v.cr4, guestCr4.bits, v.efer)) return false;
        if (value !== v.cr4) {
          setCr4(v, value);
          forgetCode(v.codePages);
          v.core.requests.or(Request.flush);
        }
        return true;
      }
      if (value > 15n) return false;
      apics.writeTaskPriority(v.core.index, u8(value));
      v.core.requests.or(Request.interrupt);
      return true;
    },
    loadMachineStatus(v: SvmVcpu, value: u64): boolean {
      const old = v.vmcb.cr0;
      return writeCr0(v, u64((old & ~0xen) | (value & 0xfn) | (old & 1n)));
    },
  };
}
