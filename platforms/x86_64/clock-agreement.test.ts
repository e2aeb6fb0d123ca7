import test from "ava";
import { make } from "../../dsl/core/layout.ts";
import {
  Agreement,
  agreement,
  ClockBounds,
  ClockCorrection,
  largestDifference,
  narrow,
  nextCorrection,
  openBounds,
} from "./clock-agreement.ts";

/** Numbers below a limit, the same in every run of a seed. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
}

/** Two counters that are `difference` apart, and ways between their CPUs of random length. */
function meet(difference: bigint, seed: number, meetings = 64, rate = 1): ClockBounds {
  const next = numbers(seed);
  const bounds = make(ClockBounds);
  openBounds(bounds);
  let time = 1_000_000;
  for (let i = 0; i < meetings; i++) {
    const before = time;
    const met = before + 50 + next(400);
    const after = met + 50 + next(400);
    narrow(bounds, BigInt(before), BigInt(Math.floor(met * rate)) + difference, BigInt(after));
    time = after + next(1000);
  }
  return bounds;
}

test("the difference of two counters is within what their meetings leave open", (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const difference = BigInt(numbers(seed)(100_000) - 50_000);
    const { low, high } = meet(difference, seed);
    t.true(low <= difference && difference <= high, `seed ${seed}: ${difference} in [${low}, ${high}]`);
    // Both ways take 50 ticks at least, and some of 64 meetings are quick.
    t.true(high - low >= 100n && high - low < 400n, `seed ${seed}: [${low}, ${high}]`);
  }
});

test("counters in step agree, those beyond a round trip do not, whichever is ahead", (t) => {
  for (let seed = 1; seed <= 50; seed++) {
    t.is(agreement(meet(0n, seed)), Agreement.inStep);
    for (const apart of [1000n, -1000n, 1n << 40n, -(1n << 40n)])
      t.is(agreement(meet(apart, seed)), Agreement.apart);
  }
});

test("a counter that jumps or runs at another rate is unsteady", (t) => {
  t.is(agreement(meet(0n, 3, 64, 1.2)), Agreement.unsteady);
  const bounds = meet(0n, 4);
  narrow(bounds, 5000n, 9000n, 5200n);
  t.is(agreement(bounds), Agreement.unsteady);
});

test("the largest difference is that of the bound that is farther from equal", (t) => {
  const bounds = make(ClockBounds);
  for (const [low, high, largest] of [
    [-100n, 40n, 100n],
    [-40n, 100n, 100n],
    [0n, 0n, 0n],
    [20n, 70n, 70n],
    [-70n, -20n, 70n],
  ] as const) {
    bounds.low = low;
    bounds.high = high;
    t.is(largestDifference(bounds), largest);
  }
});

test("counters that are apart come in step, although a written counter is behind by an unknown time", (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const next = numbers(seed + 1000);
    const lag = BigInt(next(3000));
    let difference = BigInt(next(1_000_000_000)) - 500_000_000n;
    const state = make(ClockCorrection);
    let corrections = 0;
    for (; corrections < 3; corrections++) {
      const bounds = meet(difference, seed * 7 + corrections);
      if (agreement(bounds) === Agreement.inStep) break;
      // Reading, taking away and writing back takes `lag` ticks, by which the counter is behind from then on.
      difference -= nextCorrection(state, bounds) + lag;
    }
    const bounds = meet(difference, seed * 7 + 99);
    t.is(agreement(bounds), Agreement.inStep, `seed ${seed}: ${difference} after ${corrections}`);
    t.true(largestDifference(bounds) < 400n);
  }
});
