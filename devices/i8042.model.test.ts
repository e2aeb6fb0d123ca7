import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { i8042 } from "./i8042.ts";
import { ResetKind } from "./reset-control.ts";

function controller() {
  return attach(i8042);
}

/** Sends a command and reads its answer; undefined where there is none. */
function ask(guest: ReturnType<typeof controller>, command: number, parameter?: number): number | undefined {
  guest.write("command", command);
  if (parameter !== undefined) guest.write("input", parameter);
  return (guest.read("status") & 1) === 0 ? undefined : guest.read("output");
}

test("nothing waits to be read, and the controller is always ready for a command", (t) => {
  const guest = controller();
  t.is(guest.read("status") & 0x03, 0);
  guest.write("command", 0xaa);
  t.is(guest.read("status") & 0x02, 0);
});

test("the self test passes and sets the system flag, the port tests find no fault", (t) => {
  const guest = controller();
  t.is(ask(guest, 0xaa), 0x55);
  t.is(guest.read("status") & 0x04, 0x04);
  t.is(ask(guest, 0xab), 0x00);
  t.is(ask(guest, 0xa9), 0x00);
});

test("the command byte reads back as it was written, and enables and disables change their bit", (t) => {
  const guest = controller();
  t.is(ask(guest, 0x20), 0x30);
  t.is(ask(guest, 0x60, 0x47), undefined);
  t.is(ask(guest, 0x20), 0x47);
  guest.write("command", 0xad);
  t.is(ask(guest, 0x20), 0x57);
  guest.write("command", 0xa7);
  t.is(ask(guest, 0x20), 0x77);
  guest.write("command", 0xae);
  guest.write("command", 0xa8);
  t.is(ask(guest, 0x20), 0x47);
  ask(guest, 0x7f, 0x99);
  t.is(ask(guest, 0x3f), 0x99);
  t.is(ask(guest, 0x20), 0x47);
});

test("a byte for a device that is not there gets no answer", (t) => {
  const guest = controller();
  guest.write("input", 0xff);
  t.is(guest.read("status") & 1, 0);
  t.is(ask(guest, 0xd4, 0xf2), undefined);
});

test("the loopback commands answer as the keyboard and as the mouse, with their interrupts", (t) => {
  const guest = controller();
  ask(guest, 0x60, 0x03);
  guest.write("command", 0xd2);
  guest.write("input", 0x5a);
  t.is(guest.read("status") & 0x21, 0x01);
  t.true(guest.line("irq1"));
  t.is(guest.read("output"), 0x5a);
  t.false(guest.line("irq1"));
  guest.write("command", 0xd3);
  guest.write("input", 0xa5);
  t.is(guest.read("status") & 0x21, 0x21);
  t.true(guest.line("irq12"));
  t.false(guest.line("irq1"));
  t.is(guest.read("output"), 0xa5);
  t.false(guest.line("irq12"));
});

test("without their enables the interrupts stay low", (t) => {
  const guest = controller();
  guest.write("command", 0xd2);
  guest.write("input", 0x5a);
  t.false(guest.line("irq1"));
});

test("the A20 gate reads as open, whatever was written", (t) => {
  const guest = controller();
  t.is(ask(guest, 0xd0), 0x03);
  ask(guest, 0xd1, 0x01);
  t.is(ask(guest, 0xd0), 0x03);
  t.deepEqual(guest.signals("reset"), []);
});

test("pulsing line 0, and an output port without its bit 0, reset the processor", (t) => {
  const guest = controller();
  guest.write("command", 0xff);
  t.deepEqual(guest.signals("reset"), []);
  guest.write("command", 0xfe);
  ask(guest, 0xd1, 0xfe);
  t.deepEqual(guest.signals("reset"), [ResetKind.processor, ResetKind.processor]);
});

test("port A keeps the A20 bit, and resets when bit 0 rises", (t) => {
  const guest = controller();
  t.is(guest.read("portA"), 0x02);
  guest.write("portA", 0x00);
  t.is(guest.read("portA"), 0x00);
  guest.write("portA", 0x03);
  guest.write("portA", 0x03);
  t.deepEqual(guest.signals("reset"), [ResetKind.processor]);
});

test("a new command forgets a parameter that was awaited", (t) => {
  const guest = controller();
  guest.write("command", 0x60);
  guest.write("command", 0xab);
  guest.read("output");
  guest.write("input", 0x00);
  t.is(ask(guest, 0x20), 0x30);
});
