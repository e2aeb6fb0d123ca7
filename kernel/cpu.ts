/**
 * A host CPU as the kernel sees it, and what is asked of the vCPU that it runs. Indices are dense and stay for good;
 * capacity is there for CPUs that arrive later.
 */
import { array, bool, ref, struct, type ValueOf } from "../dsl/core/layout.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { storage } from "../dsl/core/storage.ts";
import { maxCpus } from "./boot.ts";
import { processors } from "./processors.ts";
import { Request, Vcpu } from "./vcpu.ts";

export const Cpu = struct("Cpu", {
  /** The vCPU that it runs; null in the kernel's loop. */
  current: ref(Vcpu),
  /** The kernel's loop is to go round once more before it runs a vCPU or waits. */
  again: bool,
  /** Its timer has interrupted since the kernel's timers were last looked at, and is armed for nothing. */
  expired: bool,
  /** When it last took a vCPU off, in ticks. */
  putDownAt: u64,
  /** One more than the guest for whose sake the kernel's loop has worked since; 0: no guest's. */
  servedFor: u32,
});
export type Cpu = ValueOf<typeof Cpu>;

/** All CPUs, by index. */
export const cpus = storage("cpus", array(Cpu, maxCpus), { align: 64 });

/** Tells the kernel that this CPU's timer has interrupted; beside what `interrupted` does. */
export function timerExpired(index: u32): void {
  cpus[index].expired = true;
  interrupted(index);
}

/**
 * Tells the kernel that an interrupt came to this CPU. The platform's handlers of the timer and the console call it,
 * with interrupts off, after they have done what the hardware needs. It makes the next entry to a guest go through the
 * kernel's loop.
 */
export function interrupted(index: u32): void {
  const vcpu = cpus[index].current;
  if (vcpu !== null) vcpu.requests.or(Request.yield);
}

/** The kernel's loop works for a guest's sake: what that takes is not to be the time of the guest that ran before. */
export function serveGuest(guest: u32): void {
  cpus[processors.here()].servedFor = u32(guest + 1);
}

/** Makes this CPU's vCPU give way to the kernel's loop, or the loop go round once more. */
export function yieldHere(): void {
  const cpu = cpus[processors.here()];
  const vcpu = cpu.current;
  if (vcpu !== null) vcpu.requests.or(Request.yield);
  else cpu.again = true;
}

/** Asks something of a vCPU, wherever it is: `bits` of `Request`. A CPU that runs it looks at once. */
export function ask(vcpu: Vcpu, bits: u32): void {
  const before = vcpu.requests.or(bits);
  if (processors.capacity === 1) return;
  // Who asked for all of it before has told that CPU; what a vCPU keeps for its next entry by itself nobody has told.
  if ((before & bits) !== bits && isElsewhere(vcpu)) processors.signal(vcpu.cpu);
}

/** Whether any CPU runs a vCPU: then it is `vcpu.cpu`. */
export function isCurrent(vcpu: Vcpu): boolean {
  const current = cpus[Math.min(vcpu.cpu, processors.capacity - 1)].current;
  return current !== null && current.index === vcpu.index;
}

/** Whether another CPU runs a vCPU. */
export function isElsewhere(vcpu: Vcpu): boolean {
  return processors.capacity > 1 && vcpu.cpu !== processors.here() && isCurrent(vcpu);
}

/** Makes a CPU choose again which vCPU it runs. */
export function reschedule(index: u32): void {
  if (processors.capacity === 1 || index === processors.here()) {
    yieldHere();
    return;
  }
  const vcpu = cpus[Math.min(index, maxCpus - 1)].current;
  if (vcpu !== null) vcpu.requests.or(Request.yield);
  processors.signal(index);
}
