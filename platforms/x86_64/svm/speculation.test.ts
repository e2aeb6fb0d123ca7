import test from "ava";
import { speculation, type Predictors } from "./speculation.ts";

const both = { speculation: { ibpb: true, rsb: true } };
const nothing = { speculation: { ibpb: false, rsb: false } };

/** Predictors of several CPUs: who trained the targets, and who made the calls that the return stack remembers. */
function model(cpus: number, hasBarrier = true) {
  const targets = Array.from({ length: cpus }, () => new Set<number>());
  const returns = Array.from({ length: cpus }, () => new Set<number>());
  let cpu = 0;
  let barriers = 0;
  const predictors: Predictors = {
    hasBarrier: () => hasBarrier,
    barrier: () => {
      barriers += 1;
      targets[cpu]!.clear();
    },
    fillReturns: () => {
      returns[cpu]!.clear();
    },
  };
  /** A guest runs on a CPU: gives the guests by whom it could be steered there. */
  const run = (at: number, guest: number, enter: (cpu: number, guest: number) => void) => {
    cpu = at;
    enter(at, guest);
    const foreign = {
      targets: [...targets[at]!].filter((by) => by !== guest),
      returns: [...returns[at]!].filter((by) => by !== guest),
    };
    targets[at]!.add(guest);
    returns[at]!.add(guest);
    return foreign;
  };
  return { predictors, run, barriers: () => barriers };
}

let state = 0x1234_5678;
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

test("whatever the schedule, no guest is steered by what another left on a CPU", (t) => {
  const m = model(4);
  const spec = speculation([both, both, both], 4, m.predictors)!;
  spec.detect();
  for (let i = 0; i < 20_000; i++) {
    const cpu = random(4);
    const { targets, returns } = m.run(cpu, random(3), spec.enter);
    if (targets.length + returns.length > 0) t.fail(`turn ${i} on CPU ${cpu}`);
  }
  t.true(m.barriers() > 10_000);
});

test("one guest's wish is kept on the way to it and on the way from it", (t) => {
  const m = model(1);
  const spec = speculation([both, nothing, nothing], 1, m.predictors)!;
  spec.detect();
  for (let i = 0; i < 2000; i++) {
    const guest = random(3);
    const { targets, returns } = m.run(0, guest, spec.enter);
    if (guest === 0) t.deepEqual({ targets, returns }, { targets: [], returns: [] });
    t.false(targets.includes(0) || returns.includes(0));
  }
});

test("a guest that keeps the CPU costs nothing", (t) => {
  const m = model(2);
  const spec = speculation([both, both], 2, m.predictors)!;
  spec.detect();
  for (let i = 0; i < 100; i++) {
    m.run(0, 0, spec.enter);
    m.run(1, 1, spec.enter);
  }
  t.is(m.barriers(), 0);
  m.run(0, 1, spec.enter);
  t.is(m.barriers(), 1);
});

test("a CPU without the barrier is not asked for it, and its return stack is filled all the same", (t) => {
  const m = model(1, false);
  const spec = speculation([both, both], 1, m.predictors)!;
  spec.detect();
  m.run(0, 0, spec.enter);
  t.deepEqual(m.run(0, 1, spec.enter), { targets: [0], returns: [] });
  t.is(m.barriers(), 0);
});

test("an image with one guest, or whose guests want nothing, has nothing of it", (t) => {
  const { predictors } = model(1);
  t.is(speculation([both], 4, predictors), null);
  t.is(speculation([nothing, nothing], 4, predictors), null);
  t.not(speculation([nothing, both], 4, predictors), null);
});
