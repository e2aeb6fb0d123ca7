import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { acpiPm, acpiPmFacts } from "./acpi-pm.ts";

const plain = () => attach(acpiPm);
type Guest = ReturnType<typeof plain>;

const timer = 1 << 0;
const powerButton = 1 << 8;
const rtc = 1 << 10;
const sleepEnable = 1 << 13;
const sleepType = (value: number): number => value << 10;

/** The first nanosecond at which bit 23 of the timer has changed `n` times: its clock has 315/88 MHz. */
const toggle = (n: bigint): bigint => (n * (1n << 23n) * 88_000n + 314n) / 315n;
const at = (guest: Guest, ns: bigint): void => guest.advance(ns - guest.board.nowNs);

test("the timer counts at 3.579545 MHz in 24 bits, and cannot be written", (t) => {
  const guest = plain();
  t.is(guest.read("value"), 0);
  guest.advance(88_000n);
  t.is(guest.read("value"), 315);
  guest.write("value", 0);
  t.is(guest.read("value"), 315);
  at(guest, ((1n << 24n) * 88_000n) / 315n + 1n);
  t.is(guest.read("value"), 0);
});

test("the status of the timer is set whenever its highest bit changes", (t) => {
  const guest = plain();
  at(guest, toggle(1n) - 1n);
  t.is(guest.read("status") & timer, 0);
  guest.advance(1n);
  t.is(guest.read("status") & timer, timer);
  guest.write("status", timer);
  t.is(guest.read("status") & timer, 0);
  at(guest, toggle(2n));
  t.is(guest.read("status") & timer, timer);
});

test("clearing another bit does not lose the timer's", (t) => {
  const guest = plain();
  guest.input("powerButton", 0, true);
  at(guest, toggle(1n));
  guest.write("status", powerButton);
  t.is(guest.read("status"), timer);
});

test("a look by a debugger leaves the status as it is", (t) => {
  const guest = plain();
  at(guest, toggle(1n));
  const before = guest.snapshot();
  t.is(Number(guest.peekAt("events", 0)) & timer, timer);
  t.deepEqual(guest.snapshot(), before);
});

test("an enabled timer asks for the system control interrupt until it is cleared, and then again", (t) => {
  const guest = plain();
  guest.write("enable", timer);
  at(guest, toggle(1n) - 1n);
  t.false(guest.line("sci"));
  guest.advance(1n);
  t.true(guest.line("sci"));
  guest.write("status", timer);
  t.false(guest.line("sci"));
  at(guest, toggle(2n));
  t.true(guest.line("sci"));
});

test("nobody is woken for a timer that is not enabled", (t) => {
  const guest = plain();
  t.is(guest.deadline("toggle"), undefined);
  guest.write("enable", timer);
  t.is(guest.deadline("toggle"), toggle(1n));
  guest.write("enable", 0);
  t.is(guest.deadline("toggle"), undefined);
});

test("the power button is told by an interrupt where it is enabled", (t) => {
  const guest = plain();
  guest.input("powerButton", 0, true);
  t.is(guest.read("status"), powerButton);
  t.false(guest.line("sci"));
  guest.write("enable", powerButton);
  t.true(guest.line("sci"));
  guest.input("powerButton", 0, false);
  t.true(guest.line("sci"), "the event stays when the button is released");
  guest.write("status", powerButton);
  t.false(guest.line("sci"));
});

test("the clock's alarm is another event", (t) => {
  const guest = plain();
  guest.write("enable", powerButton);
  guest.input("alarm", 0, true);
  t.is(guest.read("status"), rtc);
  t.false(guest.line("sci"));
  guest.write("enable", rtc);
  t.true(guest.line("sci"));
});

test("ACPI mode is always on", (t) => {
  const guest = plain();
  t.is(guest.read("control"), 1);
  guest.write("control", 0);
  t.is(guest.read("control"), 1);
});

test("the sleep type of soft off powers the guest off, and only together with the enable bit", (t) => {
  const guest = plain();
  guest.write("control", sleepType(acpiPmFacts.softOffType));
  t.deepEqual(guest.signals("powerOff"), []);
  guest.write("control", sleepType(5) | sleepEnable);
  t.deepEqual(guest.signals("powerOff"), []);
  guest.write("control", sleepType(acpiPmFacts.softOffType) | sleepEnable);
  t.deepEqual(guest.signals("powerOff"), [0]);
  t.is(guest.read("control") & sleepEnable, 0, "SLP_EN reads as 0");
});

test("general-purpose events have their enable registers behind their status", (t) => {
  const guest = plain();
  guest.writeAt("gpe", 9, 1, 0xa5);
  t.is(guest.readAt("gpe", 9, 1), 0xa5);
  guest.writeAt("gpe", 1, 1, 0xff);
  t.is(guest.readAt("gpe", 1, 1), 0);
  t.false(guest.line("sci"));
});

test("a general-purpose event asks for the interrupt while it is enabled, until a 1 clears it", (t) => {
  const guest = plain();
  guest.input("gpes", 10, true);
  t.is(guest.readAt("gpe", 1, 1), 1 << 2);
  t.false(guest.line("sci"));
  guest.writeAt("gpe", 9, 1, 1 << 2);
  t.true(guest.line("sci"));
  guest.input("gpes", 10, false);
  guest.writeAt("gpe", 1, 1, ~(1 << 2) & 0xff);
  t.true(guest.line("sci"));
  guest.writeAt("gpe", 1, 1, 1 << 2);
  t.false(guest.line("sci"));
  t.is(guest.readAt("gpe", 1, 1), 0);
});

test("a read that shows a change which the timer has not told yet asks as well", (t) => {
  const guest = plain();
  guest.write("enable", timer);
  guest.board.nowNs = toggle(1n);
  t.is(guest.read("status"), timer);
  t.true(guest.line("sci"));
});
