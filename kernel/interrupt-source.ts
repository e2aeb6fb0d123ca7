/**
 * What the arbiter and the processor need from a guest's interrupt controllers. Devices cannot import the kernel, so
 * these are the names and shapes of the `calls` that a device type must have for its part; `interrupt-controllers.ts`
 * binds them at build time.
 *
 * | device type  | its wires on the board | |
 * | --- | --- | --- |
 * | `i8259` | line `{ board: "intr" }`: INTR to the processor, through LINT0 of the local APIC where there is one | |
 * | `local-apic` | line `{ board: "interrupt" }`: a vector above the processor priority is there, or no longer; messages `{ board: "bus" }`: IPIs; signal `{ board: "eoi" }`: EOI of a level-triggered vector, with the vector as value; signal `{ board: "nmi" }` | one per vCPU |
 * | `ioapic`     | messages `{ board: "bus" }` | |
 */
import type { i32, u32, u64, u8 } from "../dsl/core/int.ts";

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

/** Calls of a device of type `i8259`. `U` is its state. */
export interface PicCalls<U> {
  /** The vector that an acknowledge would give, or -1 while INTR is low. Changes nothing. */
  pending(u: U): i32;
  /** The INTA cycles: the vector of the highest request, or the spurious one. */
  acknowledge(u: U): u8;
}

/** Calls of a device of type `local-apic`. Nothing here reaches another device but through the device's wires. */
export interface LocalApicCalls<U> {
  /** The highest requested vector above the processor priority, or -1. Changes nothing. */
  pending(u: U): i32;
  /** Moves the vector that `pending` gives from request to service and returns it; the spurious vector where there is none. */
  acknowledge(u: U): u8;
  /** Whether LINT0 is unmasked with delivery mode ExtINT, or the APIC is disabled by its base register. */
  passesExtInt(u: U): boolean;
  /**
   * Takes a message from the bus in ICR layout if it is addressed to it: an APIC id or a logical set, by bit 11 of the
   * command. Fixed and lowest priority request the vector; NMI goes out by the `nmi` signal. True where it was taken.
   */
  accept(u: U, destination: u32, command: u32): boolean;
  /** Whether it would take a message with that destination. */
  matches(u: U, destination: u32, command: u32): boolean;
  /** The APIC id. */
  id(u: U): u32;
  readBase(u: U): u64;
  /** False where the value, or the change of mode, is not allowed. */
  writeBase(u: U, value: u64): boolean;
  /** Whether x2APIC mode is on and has the register `MSR - 0x800`, readable. */
  hasRegister(u: U, register: u32): boolean;
  readRegister(u: U, register: u32): u64;
  /** False where there is no such register, it cannot be written, or the value is refused. */
  writeRegister(u: U, register: u32, value: u64): boolean;
  /** TPR or ICR by x2APIC number, in whichever mode it is. */
  readSynthetic(u: U, register: u32): u64;
  /** As well EOI; false where the value is refused. */
  writeSynthetic(u: U, register: u32, value: u64): boolean;
  /** IA32_TSC_DEADLINE in the guest's ticks; 0 where it is not armed or the timer is in another mode. */
  readDeadline(u: U): u64;
  /** Arms the timer in TSC-deadline mode for `deadlineNs` of the board's clock, which is `ticks` of the guest's counter; 0 ticks disarms. */
  writeDeadline(u: U, deadlineNs: u64, ticks: u64): void;
  /** TPR[7:4]. */
  readTaskPriority(u: U): u8;
  writeTaskPriority(u: U, priority: u8): void;
}

/** Calls of a device of type `ioapic`. */
export interface IoApicCalls<U> {
  /** A local APIC has signalled the end of a level-triggered interrupt: clears remote IRR, sends again where the line still is active. */
  endOfInterrupt(u: U, vector: u8): void;
}
