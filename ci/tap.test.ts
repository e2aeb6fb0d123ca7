import test from "ava";
import { TapReader } from "./tap.ts";

const output = `TAP version 13
ok 1 - a › passes
not ok 2 - a › fails
  ---
    message: 'expected # tests 9'
  ...
ok 3 - a › left out # SKIP
not ok 4 - a › promised # TODO
not ok 5 - ci/b.test.ts exited with a non-zero exit code: 1

1..5
# tests 5
# pass 1
# fail 4
`;

test("passed, failed and skipped tests are counted, and a promise or a crash is a failure", (t) => {
  const reader = new TapReader();
  reader.read(output);
  t.deepEqual(reader.totals, { passed: 1, failed: 3, skipped: 1 });
  t.deepEqual(reader.failures, [
    "a › fails",
    "a › promised",
    "ci/b.test.ts exited with a non-zero exit code: 1",
  ]);
});

test("a failure's detail is shown, a count line is not", (t) => {
  const shown = new TapReader().read(output);
  t.true(shown.includes("    message: 'expected # tests 9'"));
  t.false(shown.some((line) => line.startsWith("# ")));
});

test("output that arrives in pieces counts the same", (t) => {
  const reader = new TapReader();
  for (const letter of output) reader.read(letter);
  t.deepEqual(reader.totals, { passed: 1, failed: 3, skipped: 1 });
});

test("what each file took is the time until its results", (t) => {
  let now = 100;
  const reader = new TapReader(() => now);
  for (const [ms, line] of [
    [40, "ok 1 - ci › boot › b.boot › starts\n"],
    [5, "not ok 2 - ci › boot › b.boot › ends\n"],
    [7, "ok 3 - a › passes\n"],
  ] as const) {
    now += ms;
    reader.read(line);
  }
  t.deepEqual(
    [...reader.durations],
    [
      ["ci/boot/b.boot", 45],
      ["a", 7],
    ],
  );
});
