import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { pitClock } from "../dsl/device/vocabulary.ts";
import { i8254 } from "./i8254.ts";

const plain = () => attach(i8254);
type Guest = ReturnType<typeof plain>;

/** Programs a counter with a control word and a count, low byte first. */
function program(guest: Guest, index: number, mode: number, count: number): void {
  guest.writeAt("counters", 3, 1, (index << 6) | 0x30 | (mode << 1));
  guest.writeAt("counters", index, 1, count & 0xff);
  guest.writeAt("counters", index, 1, (count >> 8) & 0xff);
}
function latched(guest: Guest, index: number): number {
  guest.writeAt("counters", 3, 1, index << 6);
  const low = Number(guest.readAt("counters", index, 1));
  return low | (Number(guest.readAt("counters", index, 1)) << 8);
}
/** Moves time on to a tick counted from now. */
function ticks(guest: Guest, count: number): void {
  const now = pitClock.ticksAt(guest.board.nowNs);
  guest.advance(pitClock.nsAt((now + BigInt(count)) as never) - guest.board.nowNs);
}
const rises = (guest: Guest): number => guest.edges("irq").filter(Boolean).length;

test("mode 2 raises the interrupt once in each period", (t) => {
  const guest = plain();
  program(guest, 0, 2, 1000);
  const before = rises(guest);
  ticks(guest, 999);
  t.is(rises(guest), before);
  ticks(guest, 1);
  t.is(rises(guest), before + 1);
  ticks(guest, 3000);
  t.is(rises(guest), before + 4);
});

test("a count of 0 is 65,536 clocks", (t) => {
  const guest = plain();
  program(guest, 0, 2, 0);
  const before = rises(guest);
  ticks(guest, 65_535);
  t.is(rises(guest), before);
  ticks(guest, 1);
  t.is(rises(guest), before + 1);
});

test("mode 0 raises the interrupt once, at terminal count, and a new count lowers it", (t) => {
  const guest = plain();
  program(guest, 0, 0, 500);
  t.false(guest.line("irq"));
  ticks(guest, 500);
  t.true(guest.line("irq"));
  ticks(guest, 70_000);
  t.is(rises(guest), 1);
  program(guest, 0, 0, 20);
  t.false(guest.line("irq"));
});

test("mode 4 pulses one clock after terminal count", (t) => {
  const guest = plain();
  program(guest, 0, 4, 100);
  const before = rises(guest);
  ticks(guest, 100);
  t.is(rises(guest), before);
  ticks(guest, 1);
  t.is(rises(guest), before + 1);
  ticks(guest, 70_000);
  t.is(rises(guest), before + 1);
});

test("a latched count stays until it is read, while the counter goes on", (t) => {
  const guest = plain();
  program(guest, 0, 2, 10_000);
  ticks(guest, 100);
  guest.writeAt("counters", 3, 1, 0x00);
  ticks(guest, 100);
  const low = Number(guest.readAt("counters", 0, 1));
  t.is(low | (Number(guest.readAt("counters", 0, 1)) << 8), 9900);
  t.is(latched(guest, 0), 9800);
});

test("mode 3 counts down by two", (t) => {
  const guest = plain();
  program(guest, 0, 3, 1000);
  ticks(guest, 100);
  t.is(latched(guest, 0), 800);
  ticks(guest, 500);
  t.is(latched(guest, 0), 800, "the second half counts the same again");
});

test("the read-back command latches status and count of several counters", (t) => {
  const guest = plain();
  program(guest, 0, 2, 1000);
  guest.writeAt("counters", 3, 1, 0xb0);
  guest.writeAt("counters", 3, 1, 0xc0 | (1 << 1) | (1 << 3));
  t.is(Number(guest.readAt("counters", 0, 1)) & 0x7f, 0x34, "low then high, mode 2");
  t.is(Number(guest.readAt("counters", 2, 1)) & 0x7f, 0x70, "no count yet, low then high, mode 0");
});

test("counter 2 counts only while port B's gate is on, and port B shows its output", (t) => {
  const guest = plain();
  guest.write("portB", 0);
  program(guest, 2, 0, 200);
  ticks(guest, 300);
  t.is(Number(guest.read("portB")) & 0x20, 0);
  guest.write("portB", 1);
  ticks(guest, 199);
  t.is(Number(guest.read("portB")) & 0x20, 0);
  ticks(guest, 1);
  t.is(Number(guest.read("portB")) & 0x20, 0x20);
});

test("the refresh bit toggles every 18 clocks", (t) => {
  const guest = plain();
  const first = Number(guest.read("portB")) & 0x10;
  ticks(guest, 18);
  t.not(Number(guest.read("portB")) & 0x10, first);
});

test("a new count in mode 2 waits for the end of the present period", (t) => {
  const guest = plain();
  program(guest, 0, 2, 1000);
  ticks(guest, 400);
  const before = rises(guest);
  guest.writeAt("counters", 0, 1, 200);
  guest.writeAt("counters", 0, 1, 0);
  ticks(guest, 599);
  t.is(rises(guest), before);
  ticks(guest, 1);
  t.is(rises(guest), before + 1);
  ticks(guest, 200);
  t.is(rises(guest), before + 2);
});

test("edges that are closer together than 100 µs are one, and the counter shows the true count", (t) => {
  const guest = plain();
  program(guest, 0, 2, 2);
  const before = rises(guest);
  guest.advance(10_000_000n);
  t.is(rises(guest), before + 100);
  t.true(latched(guest, 0) <= 2);
});

test("a BCD counter counts in decimal", (t) => {
  const guest = plain();
  guest.writeAt("counters", 3, 1, 0x35);
  guest.writeAt("counters", 0, 1, 0x00);
  guest.writeAt("counters", 0, 1, 0x10);
  ticks(guest, 1);
  t.is(latched(guest, 0), 0x0999);
});

/** Time goes by without anybody serving timers: the virtual CPU was not running. */
function starve(guest: Guest, count: number): void {
  const now = pitClock.ticksAt(guest.board.nowNs);
  guest.board.nowNs = pitClock.nsAt((now + BigInt(count)) as never);
}

test("periods that went by unserved are made up for, one by one", (t) => {
  const guest = plain();
  program(guest, 0, 2, 1000);
  const before = rises(guest);
  starve(guest, 5500);
  guest.advance(0n);
  t.is(rises(guest), before + 1);
  ticks(guest, 3000);
  t.is(rises(guest), before + 8);
  ticks(guest, 10_000);
  t.is(rises(guest), before + 18, "and then it keeps time");
});

test("no more than fifty periods are owed", (t) => {
  const guest = plain();
  program(guest, 0, 2, 1000);
  const before = rises(guest);
  starve(guest, 1_000_000);
  guest.advance(0n);
  ticks(guest, 100_000);
  const seen = rises(guest) - before;
  t.true(seen >= 150 && seen <= 155, `${seen} of 1100: a hundred in their time, and fifty of those before`);
});
