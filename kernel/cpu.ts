/**
 * A host CPU as the kernel sees it. Indices are dense and stay for good; capacity is there for CPUs that arrive later.
 */
import { array, ref, struct, type ValueOf } from "../dsl/core/layout.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { storage } from "../dsl/core/storage.ts";
import { maxCpus } from "./boot.ts";
import { Request, Vcpu } from "./vcpu.ts";

export const Cpu = struct("Cpu", {
  index: u32,
  /** 1 while it runs the kernel's loop. */
  online: u32,
  /** The vCPU that it runs or ran last. */
  current: ref(Vcpu),
  /** What its timer is armed for, in ticks. */
  armed: u64,
  /** Interrupts that came to it. */
  interrupts: u64,
});
export type Cpu = ValueOf<typeof Cpu>;

/** All CPUs, by index. */
export const cpus = storage("cpus", array(Cpu, maxCpus), { align: 64 });

/**
 * Tells the kernel that an interrupt came to this CPU. The platform's handlers of the timer, the console and the
 * signal from other CPUs call it, with interrupts off, after they have done what the hardware needs. It makes the
 * next entry to a guest go through the kernel's loop.
 */
export function interrupted(index: u32): void {
  const cpu = cpus[index];
  cpu.interrupts = u64(cpu.interrupts + 1n);
  const vcpu = cpu.current;
  if (vcpu !== null) vcpu.requests.or(Request.yield);
}
