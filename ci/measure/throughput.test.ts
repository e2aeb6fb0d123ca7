import test from "ava";
import { marks } from "../../platforms/x86_64/bare-guest/mark.ts";
import { countOf } from "./counter/counter.ts";
import { Work } from "./throughput.ts";

const begun = Array.from({ length: 8 }, () => `${marks.begins} 0 100 90 0`);
/** CPU 0 gives 9,000 of 10,000 instructions to guests, CPU 1 6,000 of 10,000. */
const turns = [
  ...["leave 0 1000 900 0", "enter 0 1500 900 0", "leave 1 2000 900 3", "enter 1 6000 900 40"],
  ...["leave 0 11000 9900 0", "enter 0 11700 9900 0", "leave 1 12000 6900 40"],
];

function workOf(lines: readonly string[]): Work {
  const work = new Work();
  for (const line of lines) work.add(countOf(line));
  return work;
}

test("guests' part of both CPUs is counted from exit to exit, and exits that waited are in no mean", (t) => {
  const figures = workOf([...begun, ...turns]).figures();
  t.deepEqual(
    figures.map(({ value }) => value),
    [75, 600],
  );
});

test("nothing is counted before all guests compute", (t) => {
  const early = ["leave 0 0 0 0", "halt 0 5 0 0", "enter 0 500 0 0"];
  t.deepEqual(workOf([...early, ...begun, ...turns]).figures(), workOf([...begun, ...turns]).figures());
});

test("a CPU that rests beside eight that compute is an error", (t) => {
  t.throws(() => workOf([...begun, "halt 1 5 0 0", ...turns]).figures(), {
    message: "throughput.vcpus.8: a CPU rested 1 times",
  });
});
