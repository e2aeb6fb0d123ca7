/**
 * The host's CPUs among each other: the lock that the kernel runs under, and how one CPU makes another look.
 *
 * Everything of the kernel and of the devices is done by the one CPU that holds the lock. It is free while a guest runs
 * and while a CPU waits, so guests run side by side and their exits one after the other. An image for one CPU has
 * nothing of this.
 */
import { binding, provide } from "../dsl/core/binding.ts";
import type { u32 } from "../dsl/core/int.ts";
import { AtomicU32 } from "../dsl/core/intrinsics.ts";
import { array, struct } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import { machine } from "./machine.ts";

export interface Processors {
  /** How many CPUs the image has room for. */
  readonly capacity: number;
  /** Dense index of the CPU that runs this, below `capacity`. */
  here(): u32;
  /** Takes the kernel's lock, with interrupts off; returns when no other CPU has it. */
  acquire(): void;
  /** Gives the lock back. The first CPU has it from the machine's start on. */
  release(): void;
  /** Says that this CPU is about to enter a guest, and gives the lock back: what is asked of the vCPU from then on reaches it by a signal. */
  leave(): void;
  /** Says that this CPU is out of its guest, and takes the lock. */
  comeBack(): void;
  /** Makes another CPU leave its guest or its wait. */
  signal(cpu: u32): void;
  /** Waits until another CPU is out of its guest; it cannot enter again before the lock is given back. */
  awaitOut(cpu: u32): void;
}

/** The CPUs of this image. */
export const processors = binding<Processors>("processors");

/** An image for one CPU: there is nobody to keep out. */
export const oneProcessor: Processors = Object.freeze({
  capacity: 1,
  here: (): u32 => 0,
  acquire: (): void => {},
  release: (): void => {},
  leave: (): void => {},
  comeBack: (): void => {},
  signal: (_cpu: u32): void => {},
  awaitOut: (_cpu: u32): void => {},
});
provide(processors, oneProcessor);

/** Each word on a line of its own, so that CPUs do not take it from each other without need. */
const Word = struct("ProcessorWord", { word: AtomicU32 }, { size: 64, align: 64 });

const free = 0;
const taken = 1;

/** The CPUs of an image that has room for `capacity` of them, two or more. Build time. */
export function manyProcessors(capacity: number): Processors {
  const lock = storage("kernelLock", Word, { align: 64 });
  // The first CPU starts with it.
  lock.word.store(taken);
  const inGuest = storage("cpusInGuest", array(Word, capacity), { align: 64 });
  const last = capacity - 1;
  const here = (): u32 => Math.min(machine.cpuIndex(), last);
  const acquire = (): void => {
    while (!lock.word.compareExchange(free, taken)) {
      // Read until it looks free: only then the line is taken from who has it.
      do machine.relaxForLock();
      while (lock.word.load() !== free);
    }
  };
  const release = (): void => lock.word.store(free);
  return Object.freeze({
    capacity,
    here,
    acquire,
    release,
    leave(): void {
      inGuest[here()].word.store(1);
      release();
    },
    comeBack(): void {
      inGuest[here()].word.store(0);
      acquire();
    },
    signal: (cpu: u32): void => machine.signalCpu(cpu),
    awaitOut(cpu: u32): void {
      const other = inGuest[Math.min(cpu, last)];
      while (other.word.load() !== 0) machine.relaxForGuest();
    },
  });
}
