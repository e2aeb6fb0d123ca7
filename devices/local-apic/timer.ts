/** The timer: one-shot, periodic, or by a deadline. */
import { now, u32, u64, u8 } from "../../dsl/device/vocabulary.ts";
import { type Apic, deadlineMode, oneShot, periodic } from "./shape.ts";
import { deliver } from "./requests.ts";
import { shortestPeriodNs } from "../shortest-period.ts";

/** One count takes 2 to this power nanoseconds, 0 to 7 (Intel SDM vol. 3 §11.5.4). */
export function divideShift(u: Apic): u8 {
  return (((u.divide.high ? 4 : 0) | u.divide.low) + 1) & 7;
}

export function stopTimer(u: Apic): void {
  u.periodNs = 0n;
  u.deadlineTicks = 0n;
  u.count.cancel();
}

export function startTimer(u: Apic): void {
  const count = u.initialCount.value;
  if (count === 0 || u.lvtTimer.mode >= deadlineMode) {
    stopTimer(u);
    return;
  }
  u.startNs = now();
  u.periodNs = u64(BigInt(count) << BigInt(divideShift(u) & 7));
  u.count.arm(u64(u.startNs + u.periodNs));
}

export function currentCount(u: Apic): u32 {
  const period = u.periodNs;
  if (period === 0n) return 0;
  const passed = u64(now() - u.startNs);
  if (u.lvtTimer.mode === oneShot && passed >= period) return 0;
  const left = u64(period - (passed % period));
  const shift = BigInt(divideShift(u) & 7);
  return u32((left + (1n << shift) - 1n) >> shift);
}

export function expireTimer(u: Apic): void {
  const period = u.periodNs;
  if (u.lvtTimer.mode === periodic && period !== 0n) {
    // The next whole period: what was missed is not made up for.
    const periods = u64(u64(now() - u.startNs) / period);
    const next = u64(u.startNs + (periods + 1n) * period);
    u.count.arm(period < shortestPeriodNs ? u64(now() + shortestPeriodNs) : next);
  } else {
    u.periodNs = 0n;
    u.deadlineTicks = 0n;
  }
  if (!u.lvtTimer.masked) deliver(u, u.lvtTimer.vector, false);
}

export function writeDeadline(u: Apic, deadlineNs: u64, ticks: u64): void {
  if (u.lvtTimer.mode !== deadlineMode) return;
  u.deadlineTicks = ticks;
  if (ticks === 0n) u.count.cancel();
  else u.count.arm(deadlineNs);
}
