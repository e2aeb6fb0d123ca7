import test from "ava";
import { make } from "../dsl/core/layout.ts";
import { modelMachine } from "./testing/machine.ts";
import {
  convert,
  guestNs,
  guestTicks,
  GuestTime,
  hostDeadline,
  pauseGuestTime,
  resumeGuestTime,
  Scale,
  setGuestTicks,
  setScale,
  startGuestTime,
  wallClockNs,
} from "./timebase.ts";

const rates = [
  1_000_000n,
  3_579_545n,
  14_318_180n,
  999_999_937n,
  1_000_000_000n,
  2_893_202_000n,
  5_000_000_000n,
];

test("conversions between a counter and nanoseconds are exact to one unit over 30 years", (t) => {
  const scale = make(Scale);
  const year = 31_557_600n;
  for (const rate of rates) {
    for (const [from, to] of [
      [rate, 1_000_000_000n],
      [1_000_000_000n, rate],
    ] as const) {
      setScale(scale, from, to);
      for (const value of [0n, 1n, 2n, 999n, from, from * 60n + 7n, from * year, from * year * 30n + 11n]) {
        if (value >= 1n << 64n) continue;
        const exact = (value * to) / from;
        const got = convert(scale, value);
        t.true(
          exact - got <= 1n && got - exact <= 0n,
          `${value} at ${from} to ${to}: ${got}, exactly ${exact}`,
        );
      }
    }
  }
});

test("a guest's clock starts at 0 and runs at the host's rate", (t) => {
  const machine = modelMachine(2_000_000_000n, 123_456n);
  const time = make(GuestTime);
  startGuestTime(time);
  t.is(guestTicks(time), 0n);
  machine.ticks += 4_000_000_000n;
  t.is(guestTicks(time), 4_000_000_000n);
  t.is(guestNs(time), 2_000_000_000n);
});

test("at the host deadline of a guest time the guest's clock has reached it, and not long before", (t) => {
  for (const rate of rates) {
    const machine = modelMachine(rate, 987_654_321n);
    const time = make(GuestTime);
    startGuestTime(time);
    const wanted = 1_234_567_891n;
    const deadline = hostDeadline(time, wanted);
    machine.ticks = deadline;
    t.true(guestNs(time) >= wanted);
    machine.ticks = deadline - 3n;
    t.true(guestNs(time) < wanted);
  }
});

test("a pause does not pass in the guest", (t) => {
  const machine = modelMachine();
  const time = make(GuestTime);
  machine.ticks = 100n;
  startGuestTime(time);
  machine.ticks = 150n;
  pauseGuestTime(time);
  machine.ticks = 1_150n;
  t.is(guestTicks(time), 50n);
  resumeGuestTime(time);
  t.is(guestTicks(time), 50n);
  machine.ticks = 1_160n;
  t.is(guestTicks(time), 60n);
});

test("a guest can set its counter, to any value", (t) => {
  const machine = modelMachine(1_000_000_000n, 5n);
  const time = make(GuestTime);
  startGuestTime(time);
  setGuestTicks(time, 0xffff_ffff_ffff_fff0n);
  machine.ticks += 0x20n;
  t.is(guestTicks(time), 0x10n);
});

test("the time of day is the machine's and goes on", (t) => {
  const machine = modelMachine();
  const time = make(GuestTime);
  startGuestTime(time);
  machine.ticks += 1_500_000_000n;
  t.is(wallClockNs(time), 1_700_000_001_500_000_000n);
});
