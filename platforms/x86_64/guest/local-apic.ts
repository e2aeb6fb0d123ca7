/** What the processor needs of its local APIC apart from the window in memory: the base register, CR8 and x2APIC mode. */
import type { u32, u64, u8 } from "../../../dsl/core/int.ts";

/** A register read through an MSR; `ok` false raises #GP. */
export interface ApicValue {
  readonly ok: boolean;
  readonly value: u64;
}

/** The local APICs of all vCPUs, by dense index. */
export interface LocalApics {
  /** The initial APIC id, for CPUID. */
  id(vcpu: u32): u32;
  /** IA32_APIC_BASE as the guest reads it. */
  readBase(vcpu: u32): u64;
  /** False where the value or the change of mode is not allowed. */
  writeBase(vcpu: u32, value: u64): boolean;
  /** An x2APIC register: MSR 0x800 + `register`. */
  readRegister(vcpu: u32, register: u32): ApicValue;
  writeRegister(vcpu: u32, register: u32, value: u64): boolean;
  /** TPR or ICR, by x2APIC number, in whichever mode the APIC is. */
  readSynthetic(vcpu: u32, register: u32): u64;
  /** As well EOI; false raises #GP. */
  writeSynthetic(vcpu: u32, register: u32, value: u64): boolean;
  /** IA32_TSC_DEADLINE, in the guest's ticks. */
  readDeadline(vcpu: u32): u64;
  /** `ticks` as the guest wrote them, `clock` as the domain's clock counts them. */
  writeDeadline(vcpu: u32, ticks: u64, clock: u64): void;
  /** The task priority as CR8 has it, 0 to 15. */
  readTaskPriority(vcpu: u32): u8;
  writeTaskPriority(vcpu: u32, priority: u8): void;
}
