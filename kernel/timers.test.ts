import test from "ava";
import { timerExpired } from "./cpu.ts";
import { never } from "./machine.ts";
import { modelMachine } from "./testing/machine.ts";
import { timers } from "./timers.ts";

function scene(slackNs = 0) {
  const machine = modelMachine();
  const fired: number[] = [];
  const made = timers(4, slackNs, (index) => fired.push(index));
  made.clear();
  return { machine, fired, timers: made };
}

test("the machine's timer is armed for the earliest deadline", (t) => {
  const { machine, timers: all } = scene();
  all.arm(0, 500n);
  t.is(machine.armed, 500n);
  all.arm(1, 300n);
  t.is(machine.armed, 300n);
  all.arm(2, 900n);
  t.is(machine.armed, 300n);
});

test("a timer that interrupts early is armed again", (t) => {
  const { machine, fired, timers: all } = scene();
  all.arm(0, 500n);
  machine.ticks = 499n;
  machine.armed = never;
  timerExpired(0);
  all.run();
  t.deepEqual(fired, []);
  t.is(machine.armed, 500n);
});

test("what is due is delivered once, and the next deadline armed", (t) => {
  const { machine, fired, timers: all } = scene();
  all.arm(0, 500n);
  all.arm(1, 300n);
  machine.ticks = 299n;
  all.run();
  t.deepEqual(fired, []);
  machine.ticks = 300n;
  all.run();
  t.deepEqual(fired, [1]);
  t.is(machine.armed, 500n);
  machine.ticks = 10_000n;
  all.run();
  t.deepEqual(fired, [1, 0]);
  t.is(machine.armed, never);
  all.run();
  t.deepEqual(fired, [1, 0]);
});

test("a cancelled timer does not fire; the machine's interrupt finds nothing", (t) => {
  const { machine, fired, timers: all } = scene();
  all.arm(0, 500n);
  all.cancel(0);
  machine.ticks = 600n;
  all.run();
  t.deepEqual(fired, []);
  t.is(machine.armed, never);
});

test("a deadline that moves later fires at the later one", (t) => {
  const { machine, fired, timers: all } = scene();
  all.arm(0, 500n);
  all.arm(0, 800n);
  machine.ticks = 500n;
  all.run();
  t.deepEqual(fired, []);
  t.is(machine.armed, 800n);
  machine.ticks = 800n;
  all.run();
  t.deepEqual(fired, [0]);
});

test("a timer that its handler arms again is armed on the machine", (t) => {
  const machine = modelMachine();
  const fired: bigint[] = [];
  const all = timers(1, 0, () => {
    fired.push(machine.ticks);
    all.arm(0, machine.ticks + 100n);
  });
  all.clear();
  all.arm(0, 100n);
  for (let i = 0; i < 5; i++) {
    machine.ticks = machine.armed;
    all.run();
  }
  t.deepEqual(fired, [100n, 200n, 300n, 400n, 500n]);
});

test("deadlines within the slack share one interrupt, and none comes early", (t) => {
  const { machine, fired, timers: all } = scene(1000);
  all.arm(0, 10_000n);
  all.arm(1, 10_800n);
  t.true(machine.armed >= 10_800n && machine.armed <= 11_000n);
  machine.ticks = 10_500n;
  all.run();
  t.deepEqual(fired, []);
  machine.ticks = machine.armed;
  all.run();
  t.deepEqual(fired, [0, 1]);
});

test("a wake-up that is asked for fires nothing, and the next deadline is armed again", (t) => {
  const { machine, fired, timers: all } = scene();
  all.arm(0, 500n);
  all.wakeBy(200n);
  t.is(machine.armed, 200n);
  all.wakeBy(900n);
  t.is(machine.armed, 200n);
  machine.ticks = 200n;
  all.run();
  t.deepEqual(fired, []);
  t.is(machine.armed, 500n);
});

test("a timer that is held is not served, and comes later by as much as it is put off", (t) => {
  const machine = modelMachine();
  const fired: number[] = [];
  let held = true;
  const all = timers(
    2,
    0,
    (index) => fired.push(index),
    (index) => held && index === 0,
  );
  all.clear();
  all.arm(0, 100n);
  all.arm(1, 300n);
  machine.ticks = 200n;
  all.run();
  t.deepEqual(fired, []);
  t.is(machine.armed, 300n, "the machine is not woken for it");
  held = false;
  all.postpone(0, 150n);
  t.is(machine.armed, 250n);
  machine.ticks = 250n;
  all.run();
  t.deepEqual(fired, [0]);
  all.postpone(0, 10n);
  t.is(machine.armed, 300n, "one that is not armed stays so");
});
