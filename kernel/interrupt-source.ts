/**
 * What the arbiter needs from a guest's interrupt controllers. The board implements it over the local APIC and the
 * 8259 pair of the guest; a guest without a local APIC has the 8259 pair alone.
 */
import type { i32, u32, u8 } from "../dsl/core/int.ts";

/** The interrupt controllers as one vCPU sees them; `vcpu` is the vCPU's dense index. */
export interface InterruptSource {
  /**
   * The vector of the external interrupt that would be delivered now if the guest took interrupts, or -1: the highest
   * request of the local APIC above its processor priority, or the 8259 pair's where LINT0 lets ExtINT through.
   * Changes nothing.
   */
  pending(vcpu: u32): i32;
  /** Acknowledges what `pending` reported, as the processor's INTA cycle does, and returns its vector. */
  acknowledge(vcpu: u32): u8;
}
