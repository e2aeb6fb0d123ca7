/**
 * A virtual CPU as every architecture and every part of the kernel sees it. The platform wraps it in a struct of its
 * own that holds the registers.
 */
import { bool, ref, struct, type ValueOf } from "../dsl/core/layout.ts";
import { u32, u64, u8 } from "../dsl/core/int.ts";
import { AtomicU32 } from "../dsl/core/intrinsics.ts";
import { Domain } from "./domain.ts";

/** Where a vCPU is in its life. */
export enum VcpuState {
  /** Not started, or waiting for its start-up message. */
  waiting = 0,
  /** Runs whenever it is scheduled. */
  running = 1,
  /** Executed HLT: runs again when an event that it accepts comes. */
  halted = 2,
  /** Stopped for good, until its domain is reset. */
  stopped = 3,
  /** Was told to begin at `startVector << 12`, and does at its next entry. */
  starting = 4,
}

/**
 * Reasons why a vCPU may not enter its guest as it is: bits of `Vcpu.requests`. Any CPU, any interrupt handler and
 * any device may set them; the CPU that runs the vCPU takes them with interrupts off right before entry.
 */
export enum Request {
  /** An interrupt source may have something new: the arbiter looks. */
  interrupt = 1,
  /**
   * The arbiter holds an event: a requeued one, an exception or an NMI; or something is to be put right at an entry. It
   * may stay while the guest runs, and its CPU is not told of it: who has an event for another's vCPU asks `interrupt` too.
   */
  event = 2,
  /** The kernel's loop has work on this CPU: timers, console input, another vCPU. */
  yield = 4,
  /** The guest's translations changed under it. */
  flush = 8,
  /** The domain changed state: it was reset or stopped. */
  domain = 16,
}

/** What an exception or interrupt to deliver is. Values of `Injection.kind`. */
export enum EventKind {
  none = 0,
  externalInterrupt = 1,
  nmi = 2,
  exception = 3,
}

/** What is to be delivered to a vCPU; only the arbiter changes it. */
export const Injection = struct("Injection", {
  /** The event that goes first: requeued from an exit, or raised by an emulated instruction. */
  kind: u8,
  vector: u8,
  hasError: bool,
  /** An NMI waits. */
  nmiPending: bool,
  /** An NMI handler runs: until its IRET no other NMI is delivered. */
  nmiBlocked: bool,
  /** An event was given to the CPU at the last entry. */
  injected: bool,
  /** The interrupt window is open: the CPU exits as soon as the guest can take an interrupt. */
  interruptWindow: bool,
  /** The IRET window is open: the CPU exits at the NMI handler's IRET. */
  nmiWindow: bool,
  /** An acknowledged interrupt that an exception overtook: its vector is in `deferredVector`. */
  deferred: bool,
  deferredVector: u8,
  error: u32,
});
export type Injection = ValueOf<typeof Injection>;

/** The architecture-neutral part of a vCPU. */
export const Vcpu = struct("Vcpu", {
  /** Bits of `Request`. */
  requests: AtomicU32,
  /** `VcpuState`. */
  state: u32,
  /** Of the start-up message, where it is starting. */
  startVector: u32,
  /** Dense over all vCPUs of the image. */
  index: u32,
  /** Index in its domain, 0 for the one that the loader starts. */
  number: u32,
  /** Index of the CPU that runs it or ran it last. */
  cpu: u32,
  injection: Injection,
  domain: ref(() => Domain),
  /** Exits so far, for the notices and the traces. */
  exits: u64,
  /** It goes round in a loop until another vCPU has done something: a turn of its own is wasted. */
  spins: bool,
});
export type Vcpu = ValueOf<typeof Vcpu>;

/** Whether a vCPU goes on, or begins, where a CPU is given to it. */
export function isRunnable(vcpu: Vcpu): boolean {
  return vcpu.state === VcpuState.running || vcpu.state === VcpuState.starting;
}
