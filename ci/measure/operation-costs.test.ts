import test from "ava";
import { measuredNames } from "../../platforms/x86_64/bare-guest/measure.ts";
import { operationCosts, outcomesOf, requireSame, UnsteadyRuns } from "./operation-costs.ts";
import type { Peer } from "./peers/peer.ts";
import type { Reading, Readings } from "./readings.ts";

const reading = (name: string, least: number): Reading => ({ name, least, median: least, mean: least + 1 });
const readings = (...all: Reading[]): Readings => ({ readings: all, absent: new Map(), notes: new Map() });

test("equal least figures are one measurement, whatever the medians are", (t) => {
  const first = reading("exit.cpuid", 221);
  t.notThrows(() => requireSame(readings(first), readings({ ...first, median: 300 })));
});

test("another least figure in the second run is told by its name and both values", (t) => {
  const first = readings(reading("exit.cpuid", 221), reading("exit.rdmsr", 207), reading("exit.cr4", 5));
  const second = readings(reading("exit.cpuid", 223), reading("exit.rdmsr", 207));
  t.throws(() => requireSame(first, second), {
    instanceOf: UnsteadyRuns,
    message:
      "two runs differ: exit.cpuid is 221, and in the second run 223; exit.cr4 is 5, and in the second run absent",
  });
});

test("a figure is the least, or the mean of memory touched first, or the median of a counted timer", (t) => {
  const run: Readings = {
    readings: [
      reading("exit.cpuid", 221),
      reading("memory.first-touch", 3),
      { ...reading("irq.timer.count", 0), median: 7, mean: 8 },
    ],
    absent: new Map([["exit.hypercall", "there is no hypervisor"]]),
    notes: new Map([["exit.cpuid", "a remark"]]),
  };
  const unit = "instructions";
  t.deepEqual(outcomesOf(run, "xen"), [
    { name: "exit.cpuid.xen", value: 221, unit, least: 221, median: 221, mean: 222, note: "a remark" },
    { name: "memory.first-touch.xen", value: 4, unit, least: 3, median: 3, mean: 4, note: "the mean" },
    { name: "irq.timer.count.xen", value: 7, unit, least: 0, median: 7, mean: 8, note: "the median" },
    { name: "exit.hypercall.xen", reason: "there is no hypervisor" },
  ]);
});

const failing = (column: Peer["column"], reason: string): Peer => ({
  column,
  what: "nothing",
  prepare: () => Promise.reject(new Error(reason)),
});

test("a peer that cannot be prepared leaves its column empty with the reason", async (t) => {
  const outcomes = await operationCosts(failing("xen", "Debian's package lists do not name it")).measure();
  t.deepEqual(
    outcomes,
    measuredNames.map((name) => ({ name: `${name}.xen`, reason: "Debian's package lists do not name it" })),
  );
});

test("Typevisor itself must be measured", async (t) => {
  await t.throwsAsync(async () => operationCosts(failing("typevisor", "it does not build")).measure(), {
    message: "it does not build",
  });
});
