import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { ioapic } from "./ioapic.ts";

const plain = () => attach(ioapic);
type Guest = ReturnType<typeof plain>;

const masked = 0x10000;
const level = 0x8000;
const activeLow = 0x2000;
const remoteIrr = 0x4000;

/** Reads and writes a register behind the window. */
function get(guest: Guest, index: number): number {
  guest.write("regsel", index);
  return Number(guest.readAt("mmio", 0x10, 4));
}
function set(guest: Guest, index: number, value: number): void {
  guest.write("regsel", index);
  guest.writeAt("mmio", 0x10, 4, value);
}
function route(guest: Guest, pin: number, low: number, destination = 1): void {
  set(guest, 0x11 + 2 * pin, destination << 24);
  set(guest, 0x10 + 2 * pin, low);
}

test("24 pins, version 0x20, all masked after a reset", (t) => {
  const guest = plain();
  t.is(get(guest, 1), 0x0017_0020);
  for (let pin = 0; pin < 24; pin++) t.is(get(guest, 0x10 + 2 * pin), masked);
});

test("an edge sends one message", (t) => {
  const guest = plain();
  route(guest, 4, 0x31);
  guest.input("irqs", 4, true);
  guest.input("irqs", 4, false);
  guest.input("irqs", 4, true);
  t.deepEqual(
    guest.messages("bus").map((m) => [m.destination, m.command & 0xffff]),
    [
      [1, 0x4031],
      [1, 0x4031],
    ],
  );
});

test("an edge on a masked pin is lost", (t) => {
  const guest = plain();
  route(guest, 4, 0x31 | masked);
  guest.input("irqs", 4, true);
  set(guest, 0x10 + 8, 0x31);
  t.is(guest.messages("bus").length, 0);
});

test("a level sends once until the end of interrupt, and again while it lasts", (t) => {
  const guest = plain();
  route(guest, 9, 0x39 | level);
  guest.input("irqs", 9, true);
  t.is(guest.messages("bus").length, 1);
  t.is(get(guest, 0x10 + 18) & remoteIrr, remoteIrr);
  guest.call((calls, u) => calls.endOfInterrupt(u, 0x39));
  t.is(guest.messages("bus").length, 2);
  guest.input("irqs", 9, false);
  guest.write("eoi", 0x39);
  t.is(guest.messages("bus").length, 2);
  t.is(get(guest, 0x10 + 18) & remoteIrr, 0);
});

test("an end of interrupt for another vector changes nothing", (t) => {
  const guest = plain();
  route(guest, 9, 0x39 | level);
  guest.input("irqs", 9, true);
  guest.call((calls, u) => calls.endOfInterrupt(u, 0x38));
  t.is(guest.messages("bus").length, 1);
});

test("a masked level is sent when it is unmasked", (t) => {
  const guest = plain();
  route(guest, 9, 0x39 | level | masked);
  guest.input("irqs", 9, true);
  t.is(guest.messages("bus").length, 0);
  set(guest, 0x10 + 18, 0x39 | level);
  t.is(guest.messages("bus").length, 1);
});

test("making an entry edge-triggered clears remote IRR", (t) => {
  const guest = plain();
  route(guest, 9, 0x39 | level);
  guest.input("irqs", 9, true);
  set(guest, 0x10 + 18, 0x39 | masked);
  set(guest, 0x10 + 18, 0x39 | level | masked);
  t.is(get(guest, 0x10 + 18) & remoteIrr, 0);
});

test("a PCI slot's pin is active low", (t) => {
  const guest = plain();
  route(guest, 17, 0x41 | level | activeLow);
  t.is(guest.messages("bus").length, 0, "the pull-up keeps it inactive");
  guest.input("irqs", 17, true);
  t.is(guest.messages("bus").length, 1);
});

test("the guest cannot set remote IRR, and reads its own fields back", (t) => {
  const guest = plain();
  route(guest, 3, 0x1_ffff, 0xab);
  t.is(get(guest, 0x16), 0x1_afff);
  t.is(get(guest, 0x17) >>> 24, 0xab);
});

test("narrow accesses do nothing", (t) => {
  const guest = plain();
  guest.write("regsel", 1);
  guest.writeAt("mmio", 0, 1, 0);
  t.is(Number(guest.readAt("mmio", 0x10, 4)), 0x0017_0020);
});
