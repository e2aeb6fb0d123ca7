/**
 * A vCPU under SVM: its VMCB, the kernel's part, and the registers that VMRUN neither saves nor loads. The VMCB lies
 * first, so that RAX, in which VMRUN leaves the VMCB's address, is the vCPU's address after every exit.
 */
import { u64, u8 } from "../../../dsl/core/int.ts";
import { array, at, bool, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { Vcpu } from "../../../kernel/vcpu.ts";
import { CpuidResult } from "../instructions.ts";
import { Segmentation } from "../decode/effective-address.ts";
import { Plan } from "../decode/plan.ts";
import { CodePages } from "../guest/code-page.ts";
import { Decoded, decodedCount } from "../guest/decoded.ts";
import { Vmcb } from "./vmcb.ts";

/** Stored MTRRs: 16 variable, 11 fixed, the default type (APM vol. 2 §7.7). */
export const mtrrCount = 28;

/** A vCPU under SVM. */
export const SvmVcpu = struct(
  "SvmVcpu",
  {
    vmcb: Vmcb,
    core: at(4096, Vcpu),
    /** By encoding: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15. RAX and RSP are those of the VMCB while the guest runs. */
    gpr: array(u64, 16),
    /** CR4 as the guest sees it; the VMCB's has MCE set besides. */
    cr4: u64,
    /** EFER as the guest sees it; the VMCB's has SVME set besides. */
    efer: u64,
    /** IA32_TSC_ADJUST: what the guest has added to its counter. */
    tscAdjust: u64,
    mtrr: array(u64, mtrrCount),
    /** HWCR, SYSCFG and the like: what the guest wrote into MSRs that keep a value and do nothing. */
    storedMsr: array(u64, 8),
    codePages: CodePages,
    /** RIP of the IRET that the NMI window caught; `iretCaught` says that one is there. */
    iretRip: u64,
    iretCaught: bool,
    /** The state was accepted by VMRUN at least once. */
    entered: bool,
    cpuid: CpuidResult,
    decoded: array(Decoded, decodedCount),
    /** Which of them stands at RIP. */
    decodedAt: u8,
    plan: Plan,
    segmentation: Segmentation,
  },
  { align: 4096 },
);
export type SvmVcpu = ValueOf<typeof SvmVcpu>;

/** Numbers of the general registers in `SvmVcpu.gpr`. */
export const gpr = Object.freeze({ rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7 } as const);
