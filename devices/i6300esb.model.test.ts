import test from "ava";
import { attach, type Attached } from "../dsl/testing/attach.ts";
import { FakeBoard } from "../dsl/testing/fake-board.ts";
import { i6300esb } from "./i6300esb.ts";

type Guest = Attached<unknown>;
const place = 1 << 15;
const plain = (): Guest => attach(i6300esb(0xc000_0000) as never, new FakeBoard(), { configuration: place });

/** Nanoseconds of so many clocks of 33 MHz, up to the next whole one. */
const clocks = (n: number): number => Math.ceil((n * 1000) / 33);
const slow = 2 ** 15;
const fast = 2 ** 5;

const reload = 0x100;
const timeout = 0x200;
const enable = 2;

function unlock(guest: Guest): void {
  guest.write("reload", 0x80);
  guest.write("reload", 0x86);
}
function unlocked(guest: Guest, register: string, value: number, index?: number): void {
  unlock(guest);
  guest.write(register, value, index);
}

/** A watchdog that runs, with so many counts in each stage. */
function running(first: number, second: number, config = 0): Guest {
  const guest = plain();
  guest.write("config", config);
  unlocked(guest, "preload", first - 1, 0);
  unlocked(guest, "preload", second - 1, 1);
  guest.write("lock", enable);
  return guest;
}
const hasReset = (guest: Guest): boolean => guest.signals("reset").length > 0;

test("software finds Intel's function, with 16 bytes of memory and without capabilities", (t) => {
  const guest = plain();
  t.is(guest.readAt("configuration", 0, 4), 0x25ab_8086);
  t.is(guest.readAt("configuration", 8, 4), 0x0880_0000);
  t.is(guest.readAt("configuration", 4, 4), 0);
  t.is(guest.readAt("configuration", 0x34, 1), 0);
  guest.writeAt("configuration", 0x10, 4, 0xffff_ffff);
  t.is(guest.readAt("configuration", 0x10, 4), 0xffff_fff0);
});

test("a preload register takes one write after 0x80 and 0x86, in this order", (t) => {
  const guest = plain();
  guest.write("preload", 5, 0);
  t.is(guest.read("preload", 0), 0xf_ffff);
  for (const keys of [[0x86, 0x80], [0x80], [0x80, 0x87], [0x80, 0x12, 0x86]]) {
    for (const key of keys) guest.write("reload", key);
    guest.write("preload", 5, 0);
    t.is(guest.read("preload", 0), 0xf_ffff, keys.join());
  }
  unlocked(guest, "preload", 0xfff0_0005, 0);
  t.is(guest.read("preload", 0), 5);
  guest.write("preload", 6, 1);
  t.is(guest.read("preload", 1), 0xf_ffff);
});

test("bytes and words unlock as double words do", (t) => {
  const guest = running(1, 1);
  guest.writeAt("configuration", 4, 2, 2);
  guest.advance(clocks(2 * slow));
  t.is(guest.readAt("timers", 0xc, 2), timeout);
  for (const width of [1, 2] as const) {
    guest.writeAt("timers", 0xc, width, 0x80);
    guest.writeAt("timers", 0xc, width, 0x86);
    guest.writeAt("timers", 4, 4, 40 + width);
    t.is(guest.read("preload", 1), 40 + width);
  }
  t.is(guest.readAt("timers", 0xc, 2), timeout);
});

test("the first stage ends in an interrupt, which a written 1 takes back", (t) => {
  const guest = running(10, 10);
  guest.advance(clocks(10 * slow) - 1);
  t.false(guest.line("irq"));
  guest.advance(1);
  t.true(guest.line("irq"));
  t.is(guest.read("status"), 1);
  t.false(hasReset(guest));
  guest.write("status", 1);
  t.false(guest.line("irq"));
});

test("there is no interrupt where the configuration says so, and the status still tells", (t) => {
  const guest = running(10, 10, 3);
  guest.advance(clocks(10 * slow));
  t.false(guest.line("irq"));
  t.is(guest.read("status"), 1);
});

test("the second stage ends in a reset, to the clock, and only once", (t) => {
  const guest = running(3, 7);
  guest.advance(clocks(10 * slow) - 1);
  t.false(hasReset(guest));
  t.is(guest.read("reload"), 0);
  guest.advance(1);
  t.deepEqual(guest.signals("reset"), [1]);
  t.is(guest.read("reload"), timeout);
  guest.advance(clocks(100 * slow));
  t.deepEqual(guest.signals("reset"), [1]);
});

test("the prescaler makes a count 1024 times shorter", (t) => {
  const guest = running(3, 7, 4);
  guest.advance(clocks(10 * fast) - 1);
  t.false(hasReset(guest));
  guest.advance(1);
  t.true(hasReset(guest));
});

test("a reload begins with the first stage, in whichever stage that is", (t) => {
  const guest = running(10, 10);
  for (let i = 0; i < 5; i++) {
    guest.advance(clocks(15 * slow));
    unlocked(guest, "reload", reload);
  }
  t.false(hasReset(guest));
  // The last reload may have come within a clock, which has begun before it.
  guest.advance(clocks(20 * slow) - clocks(1));
  t.false(hasReset(guest));
  guest.advance(clocks(1));
  t.true(hasReset(guest));
});

test("a reload that is not unlocked changes nothing", (t) => {
  const guest = running(10, 10);
  guest.advance(clocks(15 * slow));
  guest.write("reload", reload);
  guest.advance(clocks(5 * slow));
  t.true(hasReset(guest));
});

test("a preload value counts from the next beginning of its stage", (t) => {
  const guest = running(10, 10);
  unlocked(guest, "preload", 99, 0);
  unlocked(guest, "preload", 0, 1);
  guest.advance(clocks(11 * slow) - 1);
  t.false(hasReset(guest));
  guest.advance(1);
  t.true(hasReset(guest));
});

test("with its output off the second stage only says that it has ended", (t) => {
  const guest = running(1, 1, 0x20);
  guest.advance(clocks(2 * slow));
  t.false(hasReset(guest));
  t.is(guest.read("reload"), timeout);
  guest.write("reload", timeout);
  t.is(guest.read("reload"), timeout);
  unlocked(guest, "reload", timeout);
  t.is(guest.read("reload"), 0);
});

test("in free-running mode nothing happens, and nothing where it is off", (t) => {
  for (const lock of [enable | 4, 0]) {
    const guest = running(1, 1);
    guest.write("lock", lock);
    guest.advance(clocks(10 * slow));
    t.is(guest.read("status"), 0);
    t.is(guest.read("reload"), 0);
    guest.write("lock", enable);
    guest.advance(clocks(2 * slow));
    t.true(hasReset(guest));
  }
});

test("a lock keeps the timer running until a reset", (t) => {
  const guest = running(10, 10);
  guest.write("lock", enable | 1);
  guest.write("lock", 0);
  t.is(guest.read("lock"), enable | 1);
  guest.advance(clocks(20 * slow));
  t.true(hasReset(guest));
  guest.reset();
  t.is(guest.read("lock"), 0);
  guest.write("lock", 1);
  guest.write("lock", enable);
  t.is(guest.read("lock"), 1);
});

test("after a reset the timer stands, its values are the first ones, and the time-out is still told", (t) => {
  const guest = running(1, 1, 4);
  guest.advance(clocks(2 * fast));
  guest.reset();
  t.is(guest.read("reload"), timeout);
  t.is(guest.read("status"), 0);
  t.is(guest.read("preload", 0), 0xf_ffff);
  t.is(guest.read("config"), 0);
  const told = guest.signals("reset").length;
  guest.advance(clocks(10 * slow));
  t.is(guest.signals("reset").length, told);
  t.is(guest.read("status"), 0);
});
