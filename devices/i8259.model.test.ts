import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { i8259 } from "./i8259.ts";

/** Both chips as a PC's BIOS leaves them: vectors 0x20 and 0x28, nothing masked. */
type Guest = ReturnType<typeof plain>;
const plain = () => attach(i8259);

function ready(options: { icw4?: number } = {}): Guest {
  const guest = plain();
  for (const [chip, base, wiring] of [
    [0, 0x20, 4],
    [1, 0x28, 2],
  ] as const) {
    guest.write(`command${chip}`, 0x11);
    guest.write(`data${chip}`, base);
    guest.write(`data${chip}`, wiring);
    guest.write(`data${chip}`, options.icw4 ?? 1);
    guest.write(`data${chip}`, 0);
  }
  return guest;
}
const acknowledge = (guest: Guest): number => guest.call((calls, u) => calls.acknowledge(u));
const pulse = (guest: Guest, pin: number): void => {
  guest.input("irqs", pin, true);
  guest.input("irqs", pin, false);
};

test("an edge raises INTR until it is acknowledged", (t) => {
  const guest = ready();
  pulse(guest, 1);
  t.true(guest.line("intr"));
  t.is(acknowledge(guest), 0x21);
  t.false(guest.line("intr"));
});

test("a masked request waits", (t) => {
  const guest = ready();
  guest.write("data0", 0xff);
  pulse(guest, 3);
  t.false(guest.line("intr"));
  guest.write("data0", 0xf7);
  t.is(acknowledge(guest), 0x23);
});

test("the input with the lower number goes first, and a lower one waits for the end of interrupt", (t) => {
  const guest = ready();
  pulse(guest, 5);
  pulse(guest, 1);
  t.is(acknowledge(guest), 0x21);
  t.false(guest.line("intr"), "5 is lower than 1, which is served");
  guest.write("command0", 0x20);
  t.is(acknowledge(guest), 0x25);
});

test("a higher input interrupts the service of a lower one", (t) => {
  const guest = ready();
  pulse(guest, 5);
  t.is(acknowledge(guest), 0x25);
  pulse(guest, 0);
  t.true(guest.line("intr"));
  t.is(acknowledge(guest), 0x20);
});

test("the second chip's inputs arrive through input 2, and both chips serve", (t) => {
  const guest = ready();
  pulse(guest, 12);
  t.is(acknowledge(guest), 0x2c);
  guest.write("command0", 0x0b);
  guest.write("command1", 0x0b);
  t.is(guest.read("status0"), 0x04);
  t.is(guest.read("status1"), 0x10);
  pulse(guest, 8);
  t.false(guest.line("intr"), "input 2 is in service, so the second chip waits");
  guest.write("command1", 0x20);
  guest.write("command0", 0x20);
  t.is(acknowledge(guest), 0x28);
});

test("in special fully nested mode a higher input of the second chip interrupts a lower one", (t) => {
  const guest = ready({ icw4: 0x11 });
  pulse(guest, 12);
  t.is(acknowledge(guest), 0x2c);
  pulse(guest, 8);
  t.true(guest.line("intr"));
  t.is(acknowledge(guest), 0x28);
});

test("a level-triggered input asks as long as it is high", (t) => {
  const guest = ready();
  guest.write("elcr0", 0xff);
  t.is(guest.read("elcr0"), 0xf8, "inputs 0 to 2 are edge-triggered always");
  guest.input("irqs", 5, true);
  t.is(acknowledge(guest), 0x25);
  guest.write("command0", 0x65);
  t.true(guest.line("intr"));
  guest.input("irqs", 5, false);
  t.false(guest.line("intr"));
});

test("an acknowledge of nothing gives the spurious input 7", (t) => {
  const guest = ready();
  t.is(acknowledge(guest), 0x27);
  guest.write("command0", 0x0b);
  t.is(guest.read("status0"), 0, "and puts nothing in service");
});

test("rotation on end of interrupt makes the served input the lowest", (t) => {
  const guest = ready();
  pulse(guest, 2 + 2);
  t.is(acknowledge(guest), 0x24);
  guest.write("command0", 0xa0);
  pulse(guest, 4);
  pulse(guest, 5);
  t.is(acknowledge(guest), 0x25, "5 now goes before 4");
});

test("automatic end of interrupt leaves nothing in service", (t) => {
  const guest = ready({ icw4: 0x03 });
  pulse(guest, 1);
  t.is(acknowledge(guest), 0x21);
  guest.write("command0", 0x0b);
  t.is(guest.read("status0"), 0);
});

test("a set priority decides the order", (t) => {
  const guest = ready();
  guest.write("command0", 0xc0 | 3);
  pulse(guest, 0);
  pulse(guest, 4);
  t.is(acknowledge(guest), 0x24);
});

test("special mask mode lets lower inputs through where the served one is masked", (t) => {
  const guest = ready();
  pulse(guest, 1);
  t.is(acknowledge(guest), 0x21);
  pulse(guest, 6);
  t.false(guest.line("intr"));
  guest.write("data0", 0x02);
  guest.write("command0", 0x68);
  t.true(guest.line("intr"));
  t.is(acknowledge(guest), 0x26);
});

test("a poll acknowledges and says which", (t) => {
  const guest = ready();
  pulse(guest, 4);
  guest.write("command0", 0x0c);
  t.is(guest.read("status0"), 0x84);
  guest.write("command0", 0x0c);
  t.is(guest.read("status0"), 0x00);
  guest.write("command0", 0x0b);
  t.is(guest.read("status0"), 0x10, "polled input 4 is in service");
});

test("initialisation forgets requests, and without ICW4 the mode is the plain one", (t) => {
  const guest = ready({ icw4: 0x03 });
  pulse(guest, 3);
  guest.write("command0", 0x10);
  guest.write("data0", 0x40);
  guest.write("data0", 4);
  guest.write("data0", 0);
  t.false(guest.line("intr"));
  pulse(guest, 3);
  t.is(acknowledge(guest), 0x43);
  guest.write("command0", 0x0b);
  t.is(guest.read("status0"), 0x08, "automatic end of interrupt is off");
});

test("the mask reads back and reading changes nothing", (t) => {
  const guest = ready();
  guest.write("data1", 0xa5);
  t.is(guest.read("data1"), 0xa5);
  t.is(guest.peekAt("second", 1), 0xa5);
});
