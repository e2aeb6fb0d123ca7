/** Clocks of odd frequencies, exact: ticks are computed from the time, never added up, so nothing drifts. */
import { u64 } from "../core/int.ts";

/** A clock that starts at 0 ns with tick 0. */
export interface Clock {
  /** Whole ticks that have passed at `ns`. */
  ticksAt(ns: u64): u64;
  /** The first nanosecond at which `tick` has been reached. */
  nsAt(tick: u64): u64;
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

/** A clock of `numerator / denominator` Hz. Times are good for 292 years, whatever the frequency up to 4 GHz. */
export function clock(numerator: bigint, denominator = 1n): Clock {
  const nsPerSecond = denominator * 1_000_000_000n;
  const divisor = gcd(numerator, nsPerSecond);
  // `ticks` ticks take exactly `ns` nanoseconds; both are small, so the remainders' products fit 64 bits.
  const ticks = numerator / divisor;
  const ns = nsPerSecond / divisor;
  if (ticks * ns >= 1n << 63n)
    throw new RangeError(`a clock of ${numerator}/${denominator} Hz is not exact in 64 bits`);
  const roundTick = ticks - 1n;
  return Object.freeze({
    ticksAt: (time: u64): u64 => {
      const whole = u64(time / ns);
      const rest = u64(time % ns);
      return u64(whole * ticks + u64(u64(rest * ticks) / ns));
    },
    nsAt: (tick: u64): u64 => {
      const whole = u64(tick / ticks);
      const rest = u64(tick % ticks);
      return u64(whole * ns + u64(u64(rest * ns + roundTick) / ticks));
    },
  });
}

/** 1.193182 MHz of the i8254: a twelfth of the 14.31818 MHz colour-burst crystal, exactly 105/88 MHz. */
export const pitClock = clock(105_000_000n, 88n);
/** 3.579545 MHz of the ACPI PM timer (ACPI 6.5 §4.8.2.1): a quarter of the same crystal, exactly 315/88 MHz. */
export const pmClock = clock(315_000_000n, 88n);
/** 32.768 kHz of the real-time clock. */
export const rtcClock = clock(32_768n);
