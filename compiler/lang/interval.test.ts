import test from "ava";
import * as I from "./interval.ts";
import { decided, opposite, refined } from "./numeric.ts";

/** Every interval within ±7, with and without 0 between its ends. */
const intervals: I.Interval[] = [];
for (let lo = -7n; lo <= 7n; lo++) {
  for (let hi = lo; hi <= 7n; hi++) {
    intervals.push({ lo, hi });
    if (lo < 0n && hi > 0n) intervals.push({ lo, hi, nonZero: true });
  }
}
const values = (a: I.Interval): bigint[] => {
  const all: bigint[] = [];
  for (let v = a.lo; v <= a.hi; v++) if (v !== 0n || a.nonZero !== true) all.push(v);
  return all;
};
const holds = (a: I.Interval, v: bigint): boolean => I.contains(a, I.point(v));

type Rule = readonly [
  string,
  (a: I.Interval, b: I.Interval) => I.Interval,
  (a: bigint, b: bigint) => bigint,
  (b: I.Interval) => boolean,
];
const any = (): boolean => true;
const count = (b: I.Interval): boolean => b.lo >= 0n;
const rules: readonly Rule[] = [
  ["+", I.add, (a, b) => a + b, any],
  ["-", I.sub, (a, b) => a - b, any],
  ["*", I.mul, (a, b) => a * b, any],
  ["/", I.div, (a, b) => a / b, I.excludesZero],
  ["%", I.rem, (a, b) => a % b, I.excludesZero],
  ["&", I.and, (a, b) => a & b, any],
  ["|", I.or, (a, b) => a | b, any],
  ["^", I.xor, (a, b) => a ^ b, any],
  ["<<", I.shl, (a, b) => a << b, count],
  [">>", I.shr, (a, b) => a >> b, count],
];

for (const [name, rule, compute, allowed] of rules) {
  test(`the interval of ${name} holds every result`, (t) => {
    for (const a of intervals) {
      for (const b of intervals.filter(allowed)) {
        const range = rule(a, b);
        for (const x of values(a))
          for (const y of values(b))
            if (!holds(range, compute(x, y))) return t.fail(`${x} ${name} ${y} is not in ${I.show(range)}`);
      }
    }
    t.pass();
  });
}

test("the intervals of + and - hold nothing beyond the results' ends", (t) => {
  for (const a of intervals) {
    for (const b of intervals) {
      const sums = values(a).flatMap((x) => values(b).map((y) => x + y));
      t.deepEqual(I.add(a, b), {
        lo: sums.reduce((m, v) => (v < m ? v : m)),
        hi: sums.reduce((m, v) => (v > m ? v : m)),
      });
    }
  }
});

test("negation and complement turn an interval over", (t) => {
  for (const a of intervals) {
    for (const v of values(a)) t.true(holds(I.negate(a), -v) && holds(I.complement(a), ~v));
  }
});

test("joining keeps what either side holds, meeting what both do", (t) => {
  for (const a of intervals) {
    for (const b of intervals) {
      const joined = I.join(a, b);
      const met = I.meet(a, b);
      if (![...values(a), ...values(b)].every((v) => holds(joined, v)))
        return t.fail(`${I.show(a)} or ${I.show(b)}`);
      const both = values(a).filter((v) => values(b).includes(v));
      if (both.some((v) => met === undefined || !holds(met, v)))
        return t.fail(`${I.show(a)} and ${I.show(b)}`);
      if (met !== undefined && both.length === 0)
        return t.fail(`${I.show(a)} and ${I.show(b)} have nothing in common`);
    }
  }
  t.pass();
});

test("one interval contains another exactly where it holds all its values", (t) => {
  for (const a of intervals)
    for (const b of intervals)
      if (I.contains(a, b) !== values(b).every((v) => holds(a, v)))
        return t.fail(`${I.show(a)} and ${I.show(b)}`);
  t.pass();
});

const comparisons: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "===": (a, b) => a === b,
  "!==": (a, b) => a !== b,
};

for (const [operator, compare] of Object.entries(comparisons)) {
  test(`what ${operator} decides and teaches is true of every value`, (t) => {
    for (const a of intervals) {
      for (const b of intervals) {
        const answer = decided(operator, a, b);
        const taught = refined(operator, a, b);
        const otherwise = refined(opposite[operator]!, a, b);
        for (const x of values(a)) {
          for (const y of values(b)) {
            const truth = compare(x, y);
            if (answer !== undefined && answer !== truth)
              return t.fail(`${x} ${operator} ${y} is decided as ${answer}`);
            const side = truth ? taught : otherwise;
            if (side === undefined || !holds(side, x))
              return t.fail(`${x} ${operator} ${y} is ${truth} but not in what that teaches`);
          }
        }
      }
    }
    t.pass();
  });
}

test("an interval is shown by its ends, large powers of two as such", (t) => {
  t.is(I.show({ lo: -5n, hi: 255n }), "[-5, 255]");
  t.is(I.show(I.i64Range), "[-2^63, 2^63 - 1]");
});
