import test from "ava";
import { randomFrom } from "../testing/random-twin.ts";
import { clock, pitClock, pmClock, rtcClock } from "./clock.ts";

const exact = [
  ["the PIT's", pitClock, 105_000_000n, 88n],
  ["the PM timer's", pmClock, 315_000_000n, 88n],
  ["the RTC's", rtcClock, 32_768n, 1n],
  ["a 1 GHz clock's", clock(1_000_000_000n), 1_000_000_000n, 1n],
  ["a 1.193182 MHz clock's", clock(1_193_182n), 1_193_182n, 1n],
] as const;

for (const [name, it, numerator, denominator] of exact) {
  test(`${name} ticks are exact over a century`, (t) => {
    const random = randomFrom(7);
    const century = 100n * 366n * 86_400n * 1_000_000_000n;
    for (let i = 0; i < 2000; i++) {
      const ns = ((BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32))) % century;
      t.is(it.ticksAt(ns), (ns * numerator) / (denominator * 1_000_000_000n));
    }
  });

  test(`${name} ticks begin where nsAt says, and not a nanosecond before`, (t) => {
    const random = randomFrom(9);
    for (let i = 0; i < 2000; i++) {
      const tick = BigInt(random(2 ** 32)) * BigInt(random(2 ** 16)) + 1n;
      const ns = it.nsAt(tick);
      t.true(it.ticksAt(ns) >= tick);
      t.true(it.ticksAt(ns - 1n) < tick);
    }
  });
}

test("a clock that 64 bits cannot hold exactly is refused", (t) => {
  t.throws(() => clock(4_294_967_291n, 999_999_937n), { instanceOf: RangeError });
});
