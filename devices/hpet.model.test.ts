import test from "ava";
import { FakeBoard } from "../dsl/testing/fake-board.ts";
import { attach } from "../dsl/testing/attach.ts";
import { hpet, hpetFacts } from "./hpet.ts";

const level = 0x02;
const enabled = 0x04;
const periodic = 0x08;
const valueSet = 0x40;
const only32 = 0x100;
const pin = (n: number): number => n << 9;

const plain = () => attach(hpet);
type Guest = ReturnType<typeof plain>;

/** A guest whose counter has just started at 0. */
function running(): Guest {
  const guest = plain();
  guest.write("configuration", 1);
  return guest;
}
const count = (guest: Guest): bigint => guest.readBig("counter");
const rises = (guest: Guest, line: string): number => guest.edges(line).filter((up) => up).length;

test("the capabilities tell three comparators, 64 bits, legacy replacement and 10 ns", (t) => {
  const guest = plain();
  t.is(guest.readBig("capabilities"), (10_000_000n << 32n) | 0x8086_a201n);
  t.is(hpetFacts.eventTimerBlockId, 0x8086_a201);
  t.is(guest.readAt("general", 4, 4), 10_000_000);
  guest.writeAt64("general", 0, 0n);
  t.is(guest.readAt("general", 0, 4), 0x8086_a201);
});

test("the counter stands until it is enabled, counts every 10 ns, and keeps its value when it is stopped", (t) => {
  const guest = plain();
  guest.advance(1000);
  t.is(count(guest), 0n);
  guest.write("configuration", 1);
  t.is(count(guest), 0n);
  guest.advance(1000);
  t.is(count(guest), 100n);
  guest.write("configuration", 0);
  guest.advance(1000);
  t.is(count(guest), 100n);
  guest.write("counter", 0x1_0000_0000n);
  guest.write("configuration", 1);
  guest.advance(70);
  t.is(count(guest), 0x1_0000_0007n);
});

test("the counter's halves are read and written with 32 bits", (t) => {
  const guest = plain();
  guest.writeAt("general", 0xf4, 4, 5);
  guest.writeAt("general", 0xf0, 4, 0xffff_fffe);
  guest.write("configuration", 1);
  guest.advance(30);
  t.is(guest.readAt("general", 0xf0, 4), 1);
  t.is(guest.readAt("general", 0xf4, 4), 6);
});

test("an edge-triggered comparator raises its pin once when the counter equals it", (t) => {
  const guest = running();
  guest.write("config", enabled | pin(21), 2);
  guest.write("comparatorLow", 500, 2);
  guest.write("comparatorHigh", 0, 2);
  guest.advance(4990);
  t.false(guest.line("pins[1]"));
  guest.advance(10);
  t.true(guest.line("pins[1]"));
  t.is(guest.readBig("status"), 0n);
  guest.advance(1_000_000_000);
  t.is(rises(guest, "pins[1]"), 1);
});

test("a second edge is made visible by a falling one", (t) => {
  const guest = running();
  guest.write("config", enabled | pin(20), 0);
  guest.write("comparatorHigh", 0, 0);
  guest.write("comparatorLow", 100, 0);
  guest.advance(1000);
  guest.write("comparatorLow", 200, 0);
  guest.advance(1000);
  t.deepEqual(guest.edges("pins[0]"), [true, false, true]);
});

test("a level-triggered comparator holds its pin until its status is cleared by a 1", (t) => {
  const guest = running();
  guest.write("config", enabled | level | pin(23), 1);
  guest.write("comparatorHigh", 0, 1);
  guest.write("comparatorLow", 10, 1);
  guest.advance(100);
  t.true(guest.line("pins[3]"));
  t.is(guest.readBig("status"), 2n);
  guest.write("status", 1);
  t.true(guest.line("pins[3]"));
  guest.write("status", 2);
  t.false(guest.line("pins[3]"));
  t.is(guest.readBig("status"), 0n);
});

test("level-triggered status is there without an interrupt, and interrupts when that is enabled", (t) => {
  const guest = running();
  guest.write("config", level | pin(22), 0);
  guest.write("comparatorHigh", 0, 0);
  guest.write("comparatorLow", 10, 0);
  guest.advance(100);
  t.is(guest.readBig("status"), 1n);
  t.false(guest.line("pins[2]"));
  guest.write("config", enabled | level | pin(22), 0);
  t.true(guest.line("pins[2]"));
});

test("stopping the counter takes interrupts back and leaves the status", (t) => {
  const guest = running();
  guest.write("config", enabled | level | pin(22), 0);
  guest.write("comparatorHigh", 0, 0);
  guest.write("comparatorLow", 10, 0);
  guest.advance(100);
  guest.write("configuration", 0);
  t.false(guest.line("pins[2]"));
  t.is(guest.readBig("status"), 1n);
  guest.write("configuration", 1);
  t.true(guest.line("pins[2]"));
});

test("comparators that share a pin are both heard on it", (t) => {
  const guest = running();
  for (const i of [0, 1]) {
    guest.write("config", enabled | level | pin(20), i);
    guest.write("comparatorHigh", 0, i);
    guest.write("comparatorLow", 10 + i, i);
  }
  guest.advance(200);
  guest.write("status", 1);
  t.true(guest.line("pins[0]"));
  guest.write("status", 2);
  t.false(guest.line("pins[0]"));
});

test("a periodic comparator that is set with the counter stopped ticks exactly", (t) => {
  const guest = plain();
  guest.advance(12_340);
  guest.write("config", enabled | periodic | valueSet | only32 | pin(20), 0);
  guest.write("comparatorLow", 10_000, 0);
  guest.write("comparatorLow", 10_000, 0);
  guest.write("configuration", 1);
  for (let ticks = 1; ticks <= 50; ticks++) {
    guest.advance(99_999);
    t.is(rises(guest, "pins[0]"), ticks - 1);
    guest.advance(1);
    t.is(rises(guest, "pins[0]"), ticks);
    t.is(guest.read("comparatorLow", 0), (ticks + 1) * 10_000);
  }
});

test("the first match and the period differ where the second write is another value", (t) => {
  const guest = running();
  guest.write("config", enabled | periodic | valueSet | only32 | pin(20), 0);
  t.is(guest.read("config", 0) & valueSet, 0, "VAL_SET is not read back");
  guest.write("comparatorLow", 5_000, 0);
  guest.write("comparatorLow", 30_000, 0);
  t.is(guest.read("comparatorLow", 0), 5_000);
  guest.advance(50_000);
  t.is(rises(guest, "pins[0]"), 1);
  t.is(guest.read("comparatorLow", 0), 35_000);
  guest.advance(300_000);
  t.is(rises(guest, "pins[0]"), 2);
});

test("one write of 64 bits sets comparator and period, where VAL_SET was written", (t) => {
  const guest = running();
  guest.write("config", enabled | periodic | valueSet | pin(20), 0);
  guest.writeAt64("timers", 0x08, 0x1_0000_0000n);
  t.is(guest.read("comparatorHigh", 0), 1);
  guest.advance(0x1_0000_0000n * 10n);
  t.is(rises(guest, "pins[0]"), 1);
  t.is(guest.read("comparatorHigh", 0), 2);
  // A period of 32 bits alone does not take its upper half from the accumulator.
  guest.write("comparatorLow", 4_000, 0);
  guest.write("comparatorHigh", 0, 0);
  guest.advance(0x1_0000_0000n * 10n);
  t.is(guest.read("comparatorHigh", 0), 2);
  t.is(guest.read("comparatorLow", 0), 4_000);
});

test("with 32 bits a comparator in the past matches when the lower half has wrapped", (t) => {
  const guest = running();
  guest.advance(10_000);
  guest.write("config", enabled | only32 | pin(20), 0);
  guest.write("comparatorLow", 999, 0);
  guest.advance(0x1_0000_0000n * 10n - 20n);
  t.is(rises(guest, "pins[0]"), 0);
  guest.advance(10);
  t.is(rises(guest, "pins[0]"), 1);
  guest.advance(0x1_0000_0000n * 10n);
  t.is(rises(guest, "pins[0]"), 2);
});

test("with 64 bits a comparator in the past never matches, and nobody is woken for it", (t) => {
  const guest = running();
  guest.advance(10_000);
  guest.write("config", enabled | pin(20), 0);
  guest.write("comparatorHigh", 0, 0);
  guest.write("comparatorLow", 999, 0);
  t.is(guest.deadline("match[0]"), undefined);
});

test("a comparator whose interrupt is off costs nothing, and its period goes on", (t) => {
  const guest = running();
  guest.write("config", enabled | periodic | valueSet | only32 | pin(20), 0);
  guest.write("comparatorLow", 10_000, 0);
  guest.write("config", periodic | only32 | pin(20), 0);
  t.is(guest.deadline("match[0]"), undefined);
  guest.advance(1_000_050);
  t.is(guest.read("comparatorLow", 0), 110_000);
  guest.write("config", enabled | periodic | only32 | pin(20), 0);
  t.is(rises(guest, "pins[0]"), 0);
  guest.advance(99_950);
  t.is(rises(guest, "pins[0]"), 1);
});

test("matches that are closer together than 100 µs are one", (t) => {
  const guest = running();
  guest.write("config", enabled | periodic | valueSet | only32 | pin(20), 0);
  guest.write("comparatorLow", 1, 0);
  guest.advance(10);
  t.is(rises(guest, "pins[0]"), 1);
  guest.advance(99_999);
  t.is(rises(guest, "pins[0]"), 1);
  guest.advance(1);
  t.is(rises(guest, "pins[0]"), 2);
  t.is(guest.read("comparatorLow", 0), 10_002);
});

test("a match that the guest's own write overtakes is not lost", (t) => {
  const board = new FakeBoard();
  const guest = attach(hpet, board);
  guest.write("configuration", 1);
  guest.write("config", enabled | level | pin(20), 0);
  guest.write("comparatorHigh", 0, 0);
  guest.write("comparatorLow", 100, 0);
  // Time passes without the timer having come.
  board.nowNs += 2_000n;
  guest.write("comparatorLow", 1_000, 0);
  t.is(guest.readBig("status"), 1n);
  guest.write("status", 1);
  guest.advance(8_000);
  t.is(guest.readBig("status"), 1n);
});

test("a match that is overtaken by stopping or setting the counter is not lost", (t) => {
  for (const register of ["configuration", "counter"]) {
    const guest = running();
    guest.write("config", enabled | level | pin(20), 0);
    guest.write("comparatorHigh", 0, 0);
    guest.write("comparatorLow", 100, 0);
    guest.board.nowNs += 2_000n;
    guest.write(register, 0);
    t.is(guest.readBig("status"), 1n, register);
  }
});

test("disabling an interrupt takes its edge back for good", (t) => {
  const guest = running();
  guest.write("config", enabled | pin(20), 0);
  guest.write("comparatorHigh", 0, 0);
  guest.write("comparatorLow", 10, 0);
  guest.advance(100);
  guest.write("config", pin(20), 0);
  t.false(guest.line("pins[0]"));
  guest.write("config", enabled | pin(20), 0);
  t.false(guest.line("pins[0]"));
});

test("what becomes edge-triggered has no status", (t) => {
  const guest = running();
  guest.write("config", enabled | level | pin(20), 0);
  guest.write("comparatorHigh", 0, 0);
  guest.write("comparatorLow", 10, 0);
  guest.advance(100);
  guest.write("config", enabled | pin(20), 0);
  t.is(guest.readBig("status"), 0n);
  t.false(guest.line("pins[0]"));
});

test("a comparator that is narrowed to 32 bits matches by them", (t) => {
  const guest = running();
  guest.write("config", enabled | pin(20), 0);
  guest.write("comparatorLow", 100, 0);
  t.is(guest.deadline("match[0]"), undefined);
  guest.write("config", enabled | only32 | pin(20), 0);
  t.is(guest.deadline("match[0]"), 1_000n);
});

test("a route that the comparator does not have is not taken", (t) => {
  const guest = plain();
  t.is(guest.read("routeCapability", 0), 0x00f0_0000);
  guest.write("config", pin(22), 0);
  guest.write("config", pin(2), 0);
  t.is((guest.read("config", 0) >>> 9) & 31, 22);
});

test("the 8254 and the clock pass through, until legacy replacement puts comparators in their place", (t) => {
  const guest = plain();
  guest.input("replaced", 0, true);
  guest.input("replaced", 1, true);
  t.true(guest.line("irq0"));
  t.true(guest.line("irq8"));
  guest.write("configuration", 2);
  t.true(guest.line("irq0"), "replaced only while the counter runs");
  guest.write("configuration", 3);
  t.false(guest.line("irq0"));
  t.false(guest.line("irq8"));
  guest.input("replaced", 0, false);
  guest.input("replaced", 0, true);
  t.false(guest.line("irq0"));
  for (const i of [0, 1]) {
    guest.write("config", enabled | only32 | pin(20), i);
    guest.write("comparatorLow", 1_000 + i, i);
  }
  guest.advance(10_010);
  t.is(rises(guest, "irq0"), 2);
  t.is(rises(guest, "irq8"), 2);
  t.is(rises(guest, "pins[0]"), 0, "their own routes are not used");
  guest.write("configuration", 1);
  t.true(guest.line("irq0"));
  guest.input("replaced", 0, false);
  t.false(guest.line("irq0"));
});

test("the third comparator keeps its route with legacy replacement", (t) => {
  const guest = plain();
  guest.write("configuration", 3);
  guest.write("config", enabled | only32 | pin(20), 2);
  guest.write("comparatorLow", 10, 2);
  guest.advance(100);
  t.true(guest.line("pins[0]"));
});

test("a reset stops everything", (t) => {
  const guest = running();
  guest.write("config", enabled | periodic | valueSet | only32 | pin(20), 0);
  guest.write("comparatorLow", 10_000, 0);
  guest.advance(1_000_000);
  guest.reset();
  t.is(count(guest), 0n);
  t.false(guest.line("pins[0]"));
  t.is(guest.deadline("match[0]"), undefined);
  t.is(guest.read("comparatorLow", 0), 0xffff_ffff);
});

test("what a 32-bit comparator matched in twelve hours without an interrupt does not come when it is enabled", (t) => {
  const guest = running();
  guest.write("config", only32 | pin(20));
  guest.advance(12n * 3_600n * 1_000_000_000n);
  guest.write("config", enabled | only32 | pin(20));
  guest.advance(0);
  t.is(rises(guest, "pins[0]"), 0, "there were a thousand wraps");
  guest.advance(2n ** 32n * 10n);
  t.is(rises(guest, "pins[0]"), 1);
});
