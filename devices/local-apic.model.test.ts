import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { localApic } from "./local-apic.ts";

const plain = () => attach(localApic(0));
type Guest = ReturnType<typeof plain>;

const masked = 0x1_0000;
const periodic = 0x2_0000;
const deadline = 0x4_0000;
const fixed = 0x4000;
const levelTriggered = 0x8000;

/** An APIC that is enabled by software. */
function ready(): Guest {
  const guest = plain();
  guest.write("svr", 0x1ff);
  return guest;
}
const request = (guest: Guest, vector: number, flags = 0): boolean =>
  guest.call((calls, u) => calls.accept(u, 0, vector | fixed | flags));
const pending = (guest: Guest): number => guest.call((calls, u) => calls.pending(u));
const acknowledge = (guest: Guest): number => guest.call((calls, u) => calls.acknowledge(u));
const set = (guest: Guest, register: number, value: bigint): boolean =>
  guest.call((calls, u) => calls.writeRegister(u, register, value));
const get = (guest: Guest, register: number): bigint =>
  guest.call((calls, u) => calls.readRegister(u, register));
function x2(guest: Guest): Guest {
  guest.call((calls, u) => calls.writeBase(u, 0xfee0_0d00n));
  return guest;
}

test("a reset leaves it enabled by its base register and disabled by software", (t) => {
  const guest = plain();
  t.is(
    guest.call((calls, u) => calls.readBase(u)),
    0xfee0_0900n,
  );
  t.is(Number(guest.read("svr")), 0xff);
  t.is(Number(guest.read("version")), 0x5_0014);
  t.is(Number(guest.read("lvtTimer")), masked);
  request(guest, 0x40);
  t.is(pending(guest), -1);
});

test("the highest vector is served first, and a lower one waits for the end of interrupt", (t) => {
  const guest = ready();
  request(guest, 0x41);
  request(guest, 0xe1);
  t.true(guest.line("interrupt"));
  t.is(acknowledge(guest), 0xe1);
  t.is(pending(guest), -1);
  guest.write("eoi", 0);
  t.is(acknowledge(guest), 0x41);
  guest.write("eoi", 0);
  t.is(pending(guest), -1);
  t.false(guest.line("interrupt"));
});

test("a higher priority class interrupts a lower one that is served", (t) => {
  const guest = ready();
  request(guest, 0x41);
  acknowledge(guest);
  request(guest, 0x4f);
  t.is(pending(guest), -1, "the same class waits");
  request(guest, 0x51);
  t.is(pending(guest), 0x51);
  t.is(Number(guest.read("ppr")), 0x40);
});

test("the task priority holds back its class and those below", (t) => {
  const guest = ready();
  guest.write("tpr", 0x50);
  request(guest, 0x5f);
  t.is(pending(guest), -1);
  t.is(
    guest.call((calls, u) => calls.readTaskPriority(u)),
    5,
  );
  guest.call((calls, u) => calls.writeTaskPriority(u, 4));
  t.is(pending(guest), 0x5f);
});

test("a level-triggered vector tells the I/O APIC of its end", (t) => {
  const guest = ready();
  request(guest, 0x39, levelTriggered);
  acknowledge(guest);
  guest.write("eoi", 0);
  t.deepEqual(guest.signals("eoiMessage"), [0x39]);
  request(guest, 0x3a);
  acknowledge(guest);
  guest.write("eoi", 0);
  t.deepEqual(guest.signals("eoiMessage"), [0x39], "an edge does not");
});

test("an acknowledge of nothing gives the spurious vector", (t) => {
  const guest = ready();
  t.is(acknowledge(guest), 0xff);
  t.is(Number(guest.readAt("mmio", 0x170, 4)), 0, "and puts nothing in service");
});

test("IRR, TMR and ISR show what they hold", (t) => {
  const guest = ready();
  request(guest, 0x39, levelTriggered);
  t.is(Number(guest.readAt("mmio", 0x210, 4)), 1 << 25);
  t.is(Number(guest.readAt("mmio", 0x190, 4)), 1 << 25);
  acknowledge(guest);
  t.is(Number(guest.readAt("mmio", 0x210, 4)), 0);
  t.is(Number(guest.readAt("mmio", 0x110, 4)), 1 << 25);
});

test("the one-shot timer counts down from the initial count and fires once", (t) => {
  const guest = ready();
  guest.write("divide", 0b1011);
  guest.write("lvtTimer", 0x30);
  guest.write("initialCount", 1000);
  guest.advance(400n);
  t.is(Number(guest.read("currentCount")), 600);
  guest.advance(599n);
  t.is(pending(guest), -1);
  guest.advance(1n);
  t.is(acknowledge(guest), 0x30);
  t.is(Number(guest.read("currentCount")), 0);
  guest.write("eoi", 0);
  guest.advance(10_000n);
  t.is(pending(guest), -1);
});

test("the divider divides by 1 to 128", (t) => {
  for (const [code, by] of [
    [0b0000, 2],
    [0b0001, 4],
    [0b0010, 8],
    [0b0011, 16],
    [0b1000, 32],
    [0b1001, 64],
    [0b1010, 128],
    [0b1011, 1],
  ] as const) {
    const guest = ready();
    guest.write("divide", code);
    guest.write("lvtTimer", 0x30);
    guest.write("initialCount", 10);
    guest.advance(BigInt(10 * by - 1));
    t.is(pending(guest), -1, `divided by ${by}`);
    guest.advance(1n);
    t.is(pending(guest), 0x30, `divided by ${by}`);
  }
});

test("the periodic timer fires in each period, without drift", (t) => {
  const guest = ready();
  guest.write("divide", 0b1011);
  guest.write("lvtTimer", 0x30 | periodic);
  guest.write("initialCount", 100_000);
  for (let period = 0; period < 5; period++) {
    guest.advance(100_000n);
    t.is(acknowledge(guest), 0x30);
    guest.write("eoi", 0);
  }
  t.is(Number(guest.read("currentCount")), 100_000);
});

test("interrupts of a periodic timer that are closer together than 100 µs are one", (t) => {
  const guest = ready();
  guest.write("divide", 0b1011);
  guest.write("lvtTimer", 0x30 | periodic);
  guest.write("initialCount", 1);
  guest.advance(1n);
  for (let period = 0; period < 5; period++) {
    t.is(acknowledge(guest), 0x30);
    guest.write("eoi", 0);
    guest.advance(99_999n);
    t.is(pending(guest), -1);
    guest.advance(1n);
  }
  t.is(acknowledge(guest), 0x30);
});

test("a masked timer runs but says nothing", (t) => {
  const guest = ready();
  guest.write("divide", 0b1011);
  guest.write("lvtTimer", 0x30 | masked);
  guest.write("initialCount", 1000);
  guest.advance(2000n);
  t.is(pending(guest), -1);
});

test("in deadline mode the initial count does nothing, and the deadline fires once", (t) => {
  const guest = ready();
  guest.write("lvtTimer", 0x30 | deadline);
  guest.write("initialCount", 5);
  guest.advance(100n);
  t.is(pending(guest), -1);
  guest.call((calls, u) => calls.writeDeadline(u, 500n, 12_345n));
  t.is(
    guest.call((calls, u) => calls.readDeadline(u)),
    12_345n,
  );
  guest.advance(400n);
  t.is(pending(guest), 0x30);
  t.is(
    guest.call((calls, u) => calls.readDeadline(u)),
    0n,
  );
});

test("the interrupt command register sends to a destination or by shorthand", (t) => {
  const guest = ready();
  guest.write("icrHigh", 0x0300_0000);
  guest.write("icrLow", 0x4_40fd);
  t.deepEqual(
    guest.messages("bus").map((m) => [m.destination, m.command]),
    [[3, 0x4_40fd]],
  );
  t.is(Number(guest.read("icrLow")), 0x4_40fd, "and is never seen sending");
});

test("sending an exception's vector is an error that ESR shows once it is written", (t) => {
  const guest = ready();
  guest.write("lvtError", 0xfe);
  guest.write("icrLow", 0x4_4005);
  t.is(guest.messages("bus").length, 0);
  t.is(pending(guest), 0xfe);
  t.is(Number(guest.read("esr")), 0);
  guest.write("esr", 0);
  t.is(Number(guest.read("esr")), 0x20);
  guest.write("esr", 0);
  t.is(Number(guest.read("esr")), 0);
});

test("receiving an exception's vector is an error", (t) => {
  const guest = ready();
  request(guest, 3);
  guest.write("esr", 0);
  t.is(Number(guest.read("esr")), 0x40);
  t.is(pending(guest), -1);
});

test("destinations: physical, flat, cluster, broadcast", (t) => {
  const guest = ready();
  const matches = (destination: number, command: number): boolean =>
    guest.call((calls, u) => calls.matches(u, destination, command));
  t.true(matches(0, 0));
  t.false(matches(1, 0));
  t.true(matches(0xff, 0));
  guest.write("ldr", 0x0200_0000);
  t.true(matches(0x06, 0x800));
  t.false(matches(0x05, 0x800));
  guest.write("dfr", 0x0fff_ffff);
  guest.write("ldr", 0x3200_0000);
  t.true(matches(0x36, 0x800));
  t.false(matches(0x26, 0x800));
});

test("x2APIC mode: registers behind MSRs, a wide id, one write for ICR", (t) => {
  const guest = x2(ready());
  t.true(set(guest, 0x0f, 0x1ffn));
  t.is(get(guest, 0x02), 0n);
  t.is(get(guest, 0x0d), 1n);
  t.true(set(guest, 0x30, 0x5_0000_40fdn));
  t.deepEqual(
    guest.messages("bus").map((m) => [m.destination, m.command]),
    [[5, 0x40fd]],
  );
  t.true(set(guest, 0x3f, 0x77n));
  t.is(acknowledge(guest), 0x77);
  t.true(set(guest, 0x0b, 0n));
  t.false(set(guest, 0x0b, 1n), "EOI takes zero only");
  t.false(set(guest, 0x02, 1n), "the id cannot be written");
  t.false(
    guest.call((calls, u) => calls.hasRegister(u, 0x0e)),
    "there is no DFR",
  );
  t.false(
    guest.call((calls, u) => calls.hasRegister(u, 0x3f)),
    "self IPI cannot be read",
  );
});

test("modes change only in the ways that the architecture allows", (t) => {
  const guest = ready();
  const write = (value: bigint): boolean => guest.call((calls, u) => calls.writeBase(u, value));
  t.false(write(0xfee0_0400n), "x2APIC without enable");
  t.true(write(0xfee0_0c00n));
  t.false(write(0xfee0_0800n), "x2APIC straight to xAPIC");
  t.true(write(0xfee0_0000n));
  t.false(write(0xfee0_0c00n), "disabled straight to x2APIC");
  t.true(write(0xfee0_0800n));
  t.false(write(0xfee0_0801n), "a reserved bit");
  t.is(
    guest.call((calls, u) => calls.readBase(u)),
    0xfee0_0900n,
    "the bootstrap bit stays",
  );
});

test("NMI, INIT and start-up messages leave as signals", (t) => {
  const guest = ready();
  request(guest, 0, 0x400);
  request(guest, 0, 0x500);
  request(guest, 0x9a, 0x600);
  t.is(guest.signals("nmi").length, 1);
  t.is(guest.signals("init").length, 1);
  t.deepEqual(guest.signals("startup"), [0x9a]);
});

test("the 8259s reach the bootstrap processor after a reset, and no other", (t) => {
  t.true(attach(localApic(0)).call((calls, u) => calls.passesExtInt(u)));
  t.false(attach(localApic(1)).call((calls, u) => calls.passesExtInt(u)));
});

test("LINT0 lets the 8259s through only as ExtINT", (t) => {
  const guest = ready();
  const passes = (): boolean => guest.call((calls, u) => calls.passesExtInt(u));
  guest.write("lvtLint0", 0);
  t.false(passes());
  guest.write("lvtLint0", masked | 0x700);
  t.false(passes());
  guest.write("lvtLint0", 0x700);
  t.true(passes());
  guest.write("svr", 0xff);
  t.false(passes(), "disabling masks it");
  guest.call((calls, u) => calls.writeBase(u, 0xfee0_0000n));
  t.true(passes(), "without an APIC they reach the processor");
});
