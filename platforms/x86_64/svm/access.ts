/** SVM's side of the injection arbiter: events, windows and shadows in the VMCB (APM vol. 2 §15.20, §15.21). */
import { u32, u64, type u8 } from "../../../dsl/core/int.ts";
import type { InjectionAccess } from "../../../kernel/arbiter.ts";
import { EventKind, type Vcpu } from "../../../kernel/vcpu.ts";
import type { SvmVcpu } from "./vcpu.ts";
import { eventField, intercept3, virtualInterrupt } from "./vmcb.ts";

const rflagsIf = 0x200n;
const windowBits =
  (virtualInterrupt.irq | virtualInterrupt.ignoreTpr | virtualInterrupt.highestPriority) >>> 0;

/** The type field of EVENTINJ for a kind of event. */
function typeOf(kind: u32): u64 {
  if (kind === EventKind.nmi) return eventField.nmi;
  if (kind === EventKind.exception) return eventField.exception;
  return eventField.externalInterrupt;
}

/** The accessor that the arbiter is built with. */
export const svmInjection: InjectionAccess<SvmVcpu> = Object.freeze({
  core(v: SvmVcpu): Vcpu {
    return v.core;
  },
  interruptsEnabled(v: SvmVcpu): boolean {
    return (v.vmcb.rflags & rflagsIf) !== 0n;
  },
  inShadow(v: SvmVcpu): boolean {
    return (v.vmcb.interruptShadow & 1n) !== 0n;
  },
  inject(v: SvmVcpu, kind: u32, vector: u8, hasError: boolean, error: u32): void {
    const base = u64(BigInt(vector) | typeOf(kind) | eventField.valid);
    v.vmcb.eventInjection = hasError ? u64(base | eventField.errorValid | (BigInt(error) << 32n)) : base;
  },
  interruptWindow(v: SvmVcpu, open: boolean): void {
    const vmcb = v.vmcb;
    if (open) {
      vmcb.virtualInterrupt = u32(vmcb.virtualInterrupt | windowBits);
      vmcb.intercept3 = u32(vmcb.intercept3 | intercept3.vintr);
    } else {
      vmcb.virtualInterrupt = u32(vmcb.virtualInterrupt & ~windowBits);
      vmcb.intercept3 = u32(vmcb.intercept3 & ~intercept3.vintr);
    }
  },
  nmiWindow(v: SvmVcpu, open: boolean): void {
    const vmcb = v.vmcb;
    if (open) vmcb.intercept3 = u32(vmcb.intercept3 | intercept3.iret);
    else vmcb.intercept3 = u32(vmcb.intercept3 & ~intercept3.iret);
  },
  nmiReturned(v: SvmVcpu): boolean {
    if (!v.iretCaught || v.vmcb.rip === v.iretRip) return false;
    v.iretCaught = false;
    return true;
  },
});
