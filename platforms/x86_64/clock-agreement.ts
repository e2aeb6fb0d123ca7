/**
 * How far apart the time-stamp counters of two CPUs are. The first CPU notes its counter, the second answers with its
 * own, the first notes again: whatever the way there and back took, the second one's counter was read in between. Many
 * such meetings narrow the difference to about the shortest round trip.
 */
import { i64, u64 } from "../../dsl/core/int.ts";
import { bool, struct, type ValueOf } from "../../dsl/core/layout.ts";

/** The difference (the second CPU's counter less the first one's) lies between these, both included, in ticks. */
export const ClockBounds = struct("ClockBounds", { low: i64, high: i64 });
export type ClockBounds = ValueOf<typeof ClockBounds>;

/** Forgets what is known. */
export function openBounds(bounds: ClockBounds): void {
  bounds.low = -0x8000_0000_0000_0000n;
  bounds.high = 0x7fff_ffff_ffff_ffffn;
}

/** Narrows the bounds by one meeting: the second CPU read `met` between the first one's `before` and `after`. */
export function narrow(bounds: ClockBounds, before: u64, met: u64, after: u64): void {
  const low = i64(met - after);
  const high = i64(met - before);
  if (low > bounds.low) bounds.low = low;
  if (high < bounds.high) bounds.high = high;
}

/** What the bounds say. */
export enum Agreement {
  /** The counters may be equal: no meeting could tell them apart. */
  inStep = 0,
  /** They differ. */
  apart = 1,
  /** The meetings contradict each other: a counter jumped, or they run at different rates. */
  unsteady = 2,
}

/** Judges bounds. */
export function agreement(bounds: ClockBounds): Agreement {
  const { low, high } = bounds;
  if (low > high) return Agreement.unsteady;
  return low <= 0n && high >= 0n ? Agreement.inStep : Agreement.apart;
}

/** The largest difference that the bounds leave open, in ticks. */
export function largestDifference(bounds: ClockBounds): u64 {
  const { low, high } = bounds;
  const below = u64(0n - low);
  const above = u64(high);
  if (high < 0n) return below;
  return low < 0n && below > above ? below : above;
}

/** The middle of the bounds: the difference as far as it is known. */
export function middle(bounds: ClockBounds): i64 {
  return i64(bounds.low + (i64(bounds.high - bounds.low) >> 1n));
}

/** Corrections of one counter, one after the other. */
export const ClockCorrection = struct("ClockCorrection", {
  /** Ticks that a written counter is behind, because reading and writing take time; 0 until one correction has shown it. */
  lag: i64,
  corrected: bool,
});
export type ClockCorrection = ValueOf<typeof ClockCorrection>;

/** What the second CPU takes from its counter to bring it in step, for bounds that say that it is apart. */
export function nextCorrection(state: ClockCorrection, bounds: ClockBounds): i64 {
  const difference = middle(bounds);
  if (state.corrected) state.lag = i64(state.lag - difference);
  state.corrected = true;
  return i64(difference - state.lag);
}
