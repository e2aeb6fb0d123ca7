/**
 * Timers of device wires: one deadline per timer in host ticks, and each CPU's timer armed for the earliest of those
 * that were armed on it. A deadline that moves later leaves the CPU's timer alone; it is set right when it fires.
 * Deadlines within the declared slack are served by one interrupt.
 */
import { array, struct, type FixedArray } from "../dsl/core/layout.ts";
import { u32, u64, u8 } from "../dsl/core/int.ts";
import { storage } from "../dsl/core/storage.ts";
import { cpus } from "./cpu.ts";
import { machine, never } from "./machine.ts";
import { processors } from "./processors.ts";

/** The timers of one image. */
export interface Timers {
  /** Asks for `expire(index)` once `deadline` (host ticks) has come, on this CPU. */
  arm(index: u32, deadline: u64): void;
  cancel(index: u32): void;
  /** Puts a timer that is armed off by so many ticks. */
  postpone(index: u32, ticks: u64): void;
  /** Withdraws everything. */
  clear(): void;
  /** Makes this CPU's timer fire at `deadline` at the latest. */
  wakeBy(deadline: u64): void;
  /** Delivers what is due on this CPU and arms its timer for the next; called with interrupts off. */
  run(): void;
}

/**
 * Builds `count` timers; `slackNs` is how much later than its deadline a timer may be served. What is due of a timer that
 * is held stays due until it is held no more.
 */
export function timers(
  count: number,
  slackNs: number,
  expire: (index: u32) => void,
  isHeld: (index: u32) => boolean = (_index: u32): boolean => false,
): Timers {
  const length = Math.max(count, 1);
  const { capacity } = processors;
  const many = capacity > 1;
  const deadlines: FixedArray<u64> = storage("timerDeadlines", array(u64, length));
  /** By timer: the CPU on which it was armed. */
  const homes: FixedArray<u8> = storage("timerHomes", array(u8, many ? length : 1));
  /** By CPU: what its timer is armed for. */
  const armed: FixedArray<u64> = storage("timersArmed", array(u64, capacity));
  const state = storage("timerState", struct("TimerState", { slack: u64 }));
  const slack = BigInt(slackNs);

  const slackTicks = (): u64 => {
    if (slackNs === 0) return 0n;
    if (state.slack === 0n) state.slack = u64((slack * machine.ticksPerSecond()) >> 30n);
    return state.slack;
  };
  const isAt = (index: u32, cpu: u32): boolean => !many || homes[index] === cpu;

  const arm = (index: u32, deadline: u64): void => {
    const cpu = processors.here();
    deadlines[index] = deadline;
    if (many) homes[index] = u8(cpu);
    const wanted = u64(deadline + slackTicks());
    if (wanted < armed[cpu]) {
      armed[cpu] = wanted;
      machine.armTimer(wanted);
    }
  };
  return {
    arm,
    postpone(index: u32, ticks: u64): void {
      if (deadlines[index] !== never) arm(index, u64(deadlines[index] + ticks));
    },
    cancel(index: u32): void {
      deadlines[index] = never;
    },
    wakeBy(deadline: u64): void {
      const cpu = processors.here();
      if (deadline >= armed[cpu]) return;
      armed[cpu] = deadline;
      machine.armTimer(deadline);
    },
    clear(): void {
      for (let i = 0; i < length; i++) deadlines[i] = never;
      for (let cpu = 0; cpu < capacity; cpu++) armed[cpu] = never;
      machine.armTimer(never);
    },
    run(): void {
      const cpu = processors.here();
      const own = cpus[cpu];
      // A timer that interrupts early, by its rounding, does not do so again by itself.
      if (machine.now() < armed[cpu] && !own.expired) return;
      own.expired = false;
      // What a handler arms while this runs is due at the earliest in the next round.
      armed[cpu] = 0n;
      const now = machine.now();
      for (let i = 0; i < length; i++) {
        if (deadlines[i] <= now && isAt(i, cpu) && !isHeld(u32(i))) {
          deadlines[i] = never;
          expire(i);
        }
      }
      let next: u64 = never;
      for (let i = 0; i < length; i++) {
        const deadline = deadlines[i];
        if (deadline < next && isAt(i, cpu) && !isHeld(u32(i))) next = deadline;
      }
      const wanted = next === never ? never : u64(next + slackTicks());
      armed[cpu] = wanted;
      machine.armTimer(wanted);
    },
  };
}
