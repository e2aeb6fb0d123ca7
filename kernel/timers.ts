/**
 * Timers of device wires: one deadline per timer in host ticks, and the machine's timer armed for the earliest of
 * them. A deadline that moves later leaves the machine's timer alone; it is set right when it fires. Deadlines within
 * the declared slack are served by one interrupt.
 */
import { array, struct, type FixedArray } from "../dsl/core/layout.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { storage } from "../dsl/core/storage.ts";
import { machine, never } from "./machine.ts";

/** The timers of one image. */
export interface Timers {
  /** Asks for `expire(index)` once `deadline` (host ticks) has come. */
  arm(index: u32, deadline: u64): void;
  cancel(index: u32): void;
  /** Puts a timer that is armed off by so many ticks. */
  postpone(index: u32, ticks: u64): void;
  /** Withdraws everything. */
  clear(): void;
  /** Makes the machine's timer fire at `deadline` at the latest. */
  wakeBy(deadline: u64): void;
  /** Delivers what is due and arms the machine's timer for the next; called with interrupts off. */
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
  const deadlines: FixedArray<u64> = storage("timerDeadlines", array(u64, length));
  const state = storage("timerState", struct("TimerState", { armed: u64, slack: u64 }));
  const slack = BigInt(slackNs);

  const slackTicks = (): u64 => {
    if (slackNs === 0) return 0n;
    if (state.slack === 0n) state.slack = u64((slack * machine.ticksPerSecond()) >> 30n);
    return state.slack;
  };

  const arm = (index: u32, deadline: u64): void => {
    deadlines[index] = deadline;
    const wanted = u64(deadline + slackTicks());
    if (wanted < state.armed) {
      state.armed = wanted;
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
      if (deadline >= state.armed) return;
      state.armed = deadline;
      machine.armTimer(deadline);
    },
    clear(): void {
      for (let i = 0; i < length; i++) deadlines[i] = never;
      state.armed = never;
      machine.armTimer(never);
    },
    run(): void {
      if (machine.now() < state.armed) return;
      // What a handler arms while this runs is due at the earliest in the next round.
      state.armed = 0n;
      const now = machine.now();
      for (let i = 0; i < length; i++) {
        if (deadlines[i] <= now && !isHeld(u32(i))) {
          deadlines[i] = never;
          expire(i);
        }
      }
      let next: u64 = never;
      for (let i = 0; i < length; i++) {
        const deadline = deadlines[i];
        if (deadline < next && !isHeld(u32(i))) next = deadline;
      }
      const wanted = next === never ? never : u64(next + slackTicks());
      state.armed = wanted;
      machine.armTimer(wanted);
    },
  };
}
