/**
 * Which virtual CPU runs on which CPU of the machine, and for how long. Pure logic: time is given to it, in ticks of
 * the host's timebase, and what it decides the kernel does. Every function is called with the kernel's lock held.
 *
 * A CPU's choice changes in its own `choose` alone: a vCPU that is put to sleep from elsewhere stays the one that its
 * CPU runs until that CPU has chosen again, and no other CPU gets it before.
 */
import type { i32, u32, u64 } from "../../dsl/core/int.ts";
import type { GuestModel, ImageModel } from "../../dsl/manifest/model.ts";
import { fair } from "./fair.ts";
import { pinned } from "./pinned.ts";

/** What the scheduler needs to know of an image. */
export interface ScheduledImage extends Pick<ImageModel, "cpuCapacity" | "scheduling"> {
  readonly guests: readonly Pick<GuestModel, "index" | "schedule">[];
}

/** Decides. vCPUs are named by their dense index over all guests. */
export interface Scheduler {
  /**
   * Whether it keeps accounts. Where every vCPU has a CPU of its own there are none to keep: `choose` then names that
   * CPU's vCPU whatever its state is, `deadline` is `never` and `ran` is 0.
   */
  readonly accounts: boolean;
  /** Begins, with no CPU and no vCPU that can run; `rate` is ticks per second. */
  start(rate: u64): void;
  /** A CPU joins those that run guests. */
  online(cpu: u32, now: u64): void;
  /** A vCPU can run from now on; nothing where it could before. `event`: an interrupt woke it, it was not started. */
  wake(vcpu: u32, now: u64, event: boolean): void;
  /** A vCPU cannot run any more: it halted, or its guest was stopped. Nothing where it could not before. */
  sleep(vcpu: u32, now: u64): void;
  /**
   * From `since` until now a CPU has worked for a guest, in the turn of what it runs: where that is another guest's, the
   * time is the former's, up to a few turns.
   */
  charge(cpu: u32, guest: u32, since: u64, now: u64): void;
  /** The vCPU that a CPU runs next, or -1. Accounts for what it ran before. */
  choose(cpu: u32, now: u64): i32;
  /** When a CPU has to choose again at the latest, after its last choice; `never` where nothing competes. */
  deadline(cpu: u32): u64;
  /** What runs on a CPU lets others run first at the next choice: a certain vCPU, where that waits and may, or any (-1). */
  giveWay(cpu: u32, to: i32, now: u64): void;
  /**
   * The CPUs that have to choose again because of what was called since the last time: bit n is CPU n. To be asked for
   * after every call but `deadline` and `ran`; a CPU need not signal itself where it chooses next anyway.
   */
  takeSignals(): u64;
  /** Ticks that a vCPU has run, up to the last choice of its CPU. */
  ran(vcpu: u32): u64;
}

/** The least number of CPUs that a machine must have, so that every vCPU of an image has one to run on. */
export function neededCpus(model: ScheduledImage): number {
  return Math.max(...model.guests.flatMap((g) => g.schedule.places.map((p) => Math.min(...p.cpus) + 1)));
}

/** The scheduler of an image. */
export function schedulerOf(model: ScheduledImage): Scheduler {
  const places = model.guests.flatMap((g) => g.schedule.places);
  const free = model.guests.every((g) => g.schedule.capPercent === null && g.schedule.realtime === null);
  const alone = places.length === 1 && model.cpuCapacity === 1;
  if (free && (alone || places.every((p) => p.exclusive)))
    return pinned(
      places.map((p) => p.cpus[0]),
      model.cpuCapacity,
    );
  return fair(model);
}
