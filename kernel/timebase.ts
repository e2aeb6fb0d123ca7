/**
 * The one timebase. The host's counter runs in ticks; a guest's clock is that counter with an offset and a scale, and
 * every clock a guest sees (its counter, its timers, its time of day) derives from it.
 *
 * A rate is converted with a 64-bit multiplier that has its top bit set and a shift, so a conversion is one 128-bit
 * product whose relative error is below 2^-62: less than a nanosecond per century.
 */
import { struct, type ValueOf } from "../dsl/core/layout.ts";
import { i64, u32, u64 } from "../dsl/core/int.ts";
import { machine } from "./machine.ts";

/** Converts one unit into another: `value * multiplier >> shift`. */
export const Scale = struct("Scale", { multiplier: u64, shift: u32, spare: u32 });
export type Scale = ValueOf<typeof Scale>;

/** A guest's clock against the host's: guest ticks = host ticks + offset, at the host's rate. */
export const GuestTime = struct("GuestTime", {
  /** Added to host ticks, modulo 2^64. */
  offset: u64,
  /** Guest ticks when it was built: 0 is the guest's own start. */
  started: u64,
  /** Host ticks when the guest was paused; 0 while it runs. */
  paused: u64,
  /** Guest ticks to nanoseconds, and back. */
  toNs: Scale,
  fromNs: Scale,
});
export type GuestTime = ValueOf<typeof GuestTime>;

const nsPerSecond = 1_000_000_000n;

/**
 * Sets `scale` to convert a unit with `from` per second into one with `to` per second, both above 0. The quotient is
 * built bit by bit, so no 128-bit division is needed.
 */
export function setScale(scale: Scale, from: u64, to: u64): void {
  // Invariant: to_ / from = (quotient + rest / from) / 2^shift, rest < from.
  let quotient: u64 = 0n;
  let rest: u64 = 0n;
  for (let bit = 0; bit < 64; bit++) {
    const next = u64((to >> (63n - BigInt(bit))) & 1n);
    const carry = rest >> 63n !== 0n;
    const doubled = u64((rest << 1n) | next);
    const take = carry || doubled >= from;
    rest = take ? u64(doubled - from) : doubled;
    quotient = u64((quotient << 1n) | (take ? 1n : 0n));
  }
  let shift = 0;
  for (let step = 0; step < 127; step++) {
    if (quotient >> 63n !== 0n) break;
    const carry = rest >> 63n !== 0n;
    const doubled = u64(rest << 1n);
    const take = carry || doubled >= from;
    rest = take ? u64(doubled - from) : doubled;
    quotient = u64((quotient << 1n) | (take ? 1n : 0n));
    shift = step + 1;
  }
  scale.multiplier = quotient;
  scale.shift = u32(shift);
}

/** Converts, rounding down; the result is taken modulo 2^64. */
export function convert(scale: Scale, value: u64): u64 {
  const product = value * scale.multiplier;
  const low = u64(product);
  const high = u64(product >> 64n);
  const shift = scale.shift;
  if (shift === 0) return low;
  if (shift < 64) {
    const right = BigInt(shift & 63);
    const left = BigInt((64 - shift) & 63);
    return u64(u64(low >> right) | u64(high << left));
  }
  return u64(high >> BigInt((shift - 64) & 63));
}

/** Sets up a guest's clock so that it reads 0 now. */
export function startGuestTime(time: GuestTime): void {
  const rate = machine.ticksPerSecond();
  setScale(time.toNs, rate, nsPerSecond);
  setScale(time.fromNs, nsPerSecond, rate);
  time.offset = u64(0n - machine.now());
  time.started = 0n;
  time.paused = 0n;
}

/** The guest's counter: ticks since it was started, without the time that it was paused. */
export function guestTicks(time: GuestTime): u64 {
  const host = time.paused !== 0n ? time.paused : machine.now();
  return u64(host + time.offset);
}

/** The guest's clock in nanoseconds since its start. */
export function guestNs(time: GuestTime): u64 {
  return convert(time.toNs, guestTicks(time));
}

/** The host tick at which the guest's clock reads `ns`: rounded up, so that then the guest's clock has reached it. */
export function hostDeadline(time: GuestTime, ns: u64): u64 {
  return u64(convert(time.fromNs, ns) + 1n - time.offset);
}

/** Holds the guest's clock. */
export function pauseGuestTime(time: GuestTime): void {
  if (time.paused === 0n) time.paused = machine.now();
}

/** Lets the guest's clock run on from where it was held, if it was; for how many ticks it was. */
export function resumeGuestTime(time: GuestTime): u64 {
  if (time.paused === 0n) return 0n;
  const held = u64(machine.now() - time.paused);
  time.offset = u64(time.offset - held);
  time.paused = 0n;
  return held;
}

/** Sets what the guest's counter reads now (a guest's write to its time-stamp counter). */
export function setGuestTicks(time: GuestTime, value: u64): void {
  time.offset = u64(value - machine.now());
}

/** Nanoseconds since 1970-01-01 UTC, from the machine's clock. */
export function wallClockNs(time: GuestTime): u64 {
  const since = i64(machine.now() - machine.wallClockTicks());
  const elapsed = since < 0n ? 0n : convert(time.toNs, u64(since));
  return u64(machine.wallClockSeconds() * nsPerSecond + elapsed);
}
