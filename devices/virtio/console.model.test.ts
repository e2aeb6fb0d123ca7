import test from "ava";
import { pipedPorts, serialPorts } from "../testing/virtio-console.ts";
import { virtioConsoleDevice } from "./console.ts";
import { descriptorFlag, Driver, feature, placesOf } from "./testing/driver.ts";

const size = 16;
const [queues, controlIn, controlOut] = [6, 2, 3];
const multiport = 2n;
const needsReset = 0x40;
const events = Object.freeze({ ready: 0, added: 1, portReady: 3, console: 4, size: 5, open: 6, name: 7 });

/** A driver that is ready and has offered so many buffers for control messages. */
function started(features = multiport, buffers = size): Driver<unknown> {
  const driver = new Driver<unknown>(serialPorts as never, size).start(queues, feature.version1 | features);
  for (let i = 0; i < buffers; i++) offerBuffer(driver, controlIn, i, 64);
  return driver;
}
/** Offers a buffer for the device to write, at a place of its own. */
function offerBuffer(driver: Driver<unknown>, queue: number, index: number, bytes: number): void {
  const { descriptors, data } = placesOf(queue);
  driver.describe(descriptors, index, { gpa: data + 0x100 * index, bytes }, descriptorFlag.write, 0);
  driver.offer(queue, index);
}
const bytesAt = (driver: Driver<unknown>, gpa: number, length: number): Buffer =>
  Buffer.from(driver.memory.at(gpa, length)!);
/** What has come into the buffers of a queue. */
function received(driver: Driver<unknown>, queue: number): readonly Buffer[] {
  return driver
    .used(queue)
    .map(({ head, bytes }) => bytesAt(driver, placesOf(queue).data + 0x100 * head, bytes));
}
/** Control messages that the device has sent: event, port, value and what follows. */
function told(driver: Driver<unknown>): readonly (readonly [number, number, number, string])[] {
  driver.guest.advance(1);
  driver.guest.advance(1);
  driver.guest.advance(1);
  return received(driver, controlIn).map((m) => [
    m.readUInt16LE(4),
    m.readUInt32LE(0),
    m.readUInt16LE(6),
    m.subarray(8).toString("latin1"),
  ]);
}
function control(driver: Driver<unknown>, event: number, port: number, value: number, bytes = 8): void {
  const { data } = placesOf(controlOut);
  driver.memory.set(data, 4, port);
  driver.memory.set(data + 4, 2, event);
  driver.memory.set(data + 6, 2, value);
  driver.request(controlOut, [{ gpa: data, bytes }]);
}
/** Gives a port text to send, as one chain; how many chains came back at once. */
function write(driver: Driver<unknown>, queue: number, text: string): number {
  const { data } = placesOf(queue);
  driver.memory.at(data, text.length)!.set(Buffer.from(text, "latin1"));
  return driver.request(queue, [{ gpa: data, bytes: text.length }]).length;
}

test("a driver that is ready learns of the ports, then what each is", (t) => {
  const driver = started();
  control(driver, events.ready, 0, 1);
  driver.notify(controlIn);
  t.deepEqual(told(driver), [
    [events.added, 0, 1, ""],
    [events.added, 1, 1, ""],
  ]);
  control(driver, events.portReady, 0, 1);
  t.deepEqual(told(driver), [
    [events.console, 0, 1, ""],
    [events.name, 0, 1, "console"],
    [events.size, 0, 1, "\x84\0\x2b\0"],
    [events.open, 0, 1, ""],
  ]);
  control(driver, events.portReady, 1, 1);
  t.deepEqual(told(driver), [
    [events.name, 1, 1, "talk"],
    [events.open, 1, 1, ""],
  ]);
  t.is(driver.guest.readAt("deviceConfiguration", 4, 4), 2);
  t.is(driver.guest.readAt("deviceConfiguration", 0, 2), 132);
});

test("news wait for buffers", (t) => {
  const driver = started(multiport, 1);
  control(driver, events.ready, 0, 1);
  t.is(told(driver).length, 1);
  offerBuffer(driver, controlIn, 1, 64);
  driver.notify(controlIn);
  t.deepEqual(told(driver), [[events.added, 1, 1, ""]]);
});

test("what a driver writes leaves through its port, a long chain in several turns", (t) => {
  const driver = started();
  t.is(write(driver, 1, "to the console"), 1);
  t.is(write(driver, 5, "to the other"), 1);
  t.is(driver.guest.text("output[0]"), "to the console");
  t.is(driver.guest.text("output[1]"), "to the other");
  const long = "0123456789".repeat(30);
  t.is(write(driver, 5, long), 0);
  t.is(driver.guest.text("output[1]"), `to the other${long.slice(0, 128)}`);
  driver.guest.advance(1);
  driver.guest.advance(1);
  t.is(driver.guest.text("output[1]"), `to the other${long}`);
  t.deepEqual(driver.used(5), [{ head: 0, bytes: 0 }]);
  t.is(driver.guest.deadline("more"), undefined, "and nothing is left to do");
});

test("ports that have much to send take turns", (t) => {
  const driver = started();
  write(driver, 1, "a".repeat(300));
  write(driver, 5, "b".repeat(300));
  const lengths = (): number[] => [0, 1].map((i) => driver.guest.text(`output[${i}]`).length);
  t.deepEqual(lengths(), [128, 128]);
  driver.guest.board.lookNs = 1n;
  driver.guest.advance(1);
  driver.guest.advance(1);
  t.true(
    lengths().every((n) => n > 128),
    lengths().join(" "),
  );
});

test("what comes waits until the port is open and the driver has buffers, and all of it arrives", (t) => {
  const driver = started();
  const text = Array.from({ length: 700 }, (_, i) => String.fromCharCode(0x21 + (i % 90))).join("");
  driver.guest.send("input[1]", text);
  t.is(driver.guest.waiting("input[1]"), 700 - 256);
  for (let i = 0; i < 4; i++) offerBuffer(driver, 4, i, 100);
  driver.notify(4);
  t.deepEqual(received(driver, 4), []);
  control(driver, events.open, 1, 1);
  let got = "";
  const take = (): void => {
    for (let i = 0; i < 8; i++) driver.guest.advance(1);
    got += Buffer.concat(received(driver, 4)).toString("latin1");
  };
  take();
  t.is(got, text.slice(0, 356), "the third buffer was not filled");
  for (let i = 4; i < 12; i++) offerBuffer(driver, 4, i, 100);
  driver.notify(4);
  take();
  t.is(got, text);
  control(driver, events.open, 1, 0);
  driver.guest.send("input[1]", "later");
  take();
  t.is(got, text);
  control(driver, events.open, 1, 1);
  take();
  t.is(got, `${text}later`);
});

test("a driver that does not know of ports has the first one", (t) => {
  const driver = started(0n, 0);
  offerBuffer(driver, 0, 0, 16);
  driver.guest.send("input[0]", "hello");
  driver.guest.advance(1);
  t.is(Buffer.concat(received(driver, 0)).toString(), "hello");
  write(driver, 1, "back");
  t.is(driver.guest.text("output[0]"), "back");
});

test("a byte may be written in an emergency, before there are queues", (t) => {
  const driver = new Driver<unknown>(serialPorts as never, size);
  driver.negotiate(feature.version1 | 4n);
  driver.guest.writeAt("deviceConfiguration", 8, 4, 0x4121);
  t.is(driver.guest.text("output[0]"), "!");
});

test("a driver that starts again finds the ports closed, and what has come still there", (t) => {
  const driver = started();
  control(driver, events.open, 1, 1);
  write(driver, 5, "x".repeat(200));
  driver.guest.send("input[1]", "kept");
  driver.guest.writeAt("common", 0x14, 1, 0);
  driver.guest.advance(1000);
  t.is(driver.guest.text("output[1]").length, 128);
  const again = new Driver<unknown>(serialPorts as never, size, driver.guest.board);
  t.is(again.status, 0);
  const { guest } = driver;
  t.is((guest.snapshot().state["open"] as boolean[])[1], false);
  t.is((guest.snapshot().state["received"] as { count: number }[])[1]!.count, 4);
});

test("messages about ports that are not there are told once, and change nothing", (t) => {
  const driver = started();
  control(driver, events.portReady, 2, 1);
  control(driver, events.open, 0xffff_ffff, 1);
  control(driver, 99, 0, 1);
  t.deepEqual(told(driver), []);
  t.deepEqual(driver.guest.reported(), ["validPort"]);
  t.is(driver.status, 15);
});

test("a message that is too short, and a buffer that is too small for one, make the device ask for a reset", (t) => {
  const short = started();
  control(short, events.ready, 0, 1, 7);
  t.is(short.status, 15 | needsReset);
  const small = started(multiport, 0);
  offerBuffer(small, controlIn, 0, 7);
  control(small, events.ready, 0, 1);
  t.is(small.status, 15 | needsReset);
  t.deepEqual(told(small), []);
});

/** A port of another guest at the other end of the second port's pipe, played by the test. */
function piped() {
  const driver = new Driver<unknown>(pipedPorts as never, size);
  const { channels } = driver.guest.board;
  channels.address = 1;
  driver.start(queues, feature.version1 | multiport);
  for (let i = 0; i < size; i++) offerBuffer(driver, controlIn, i, 64);
  const pulse = (): void => {
    driver.guest.input("arrival", 0, true);
    driver.guest.input("arrival", 0, false);
  };
  const wire = (): number => channels.sent[0]!.wire;
  return {
    driver,
    channels,
    pulse,
    /** The other guest starts. */
    appear(): void {
      channels.others.add(2);
      pulse();
    },
    /** The other end sends. */
    hear(...bytes: number[]): void {
      channels.waiting(wire()).push(bytes);
      pulse();
    },
    said: (): readonly string[] => channels.sent.map(({ bytes }) => Buffer.from(bytes).toString("latin1")),
  };
}

test("both ends of a pipe learn whether the other is open, whoever starts first", (t) => {
  const { driver, channels, appear, hear, said, pulse } = piped();
  pulse();
  t.deepEqual(said(), []);
  appear();
  t.deepEqual(said(), ["\x06"], "a start, with the port closed");
  control(driver, events.portReady, 1, 1);
  t.deepEqual(told(driver), [
    [events.name, 1, 1, "pipe"],
    [events.open, 1, 0, ""],
  ]);
  hear(7);
  t.deepEqual(said(), ["\x06", "\x02"], "the other has started: it is told again");
  t.deepEqual(told(driver), [[events.open, 1, 1, ""]]);
  control(driver, events.open, 1, 1);
  hear(2);
  t.deepEqual(said().slice(2), ["\x03"]);
  t.deepEqual(told(driver), [[events.open, 1, 0, ""]]);
  hear(3);
  t.deepEqual(told(driver), [[events.open, 1, 1, ""]]);
  channels.others.clear();
  pulse();
  t.deepEqual(told(driver), [[events.open, 1, 0, ""]], "its guest has gone");
});

test("what a pipe has no room for stays with the driver, and goes on in its order", (t) => {
  const { driver, channels, appear, pulse, said } = piped();
  write(driver, 5, "early");
  t.deepEqual(driver.used(5), []);
  appear();
  driver.guest.advance(1);
  t.deepEqual(said(), ["\x06", "early\0"]);
  t.is(driver.used(5).length, 1);
  channels.room = 3;
  t.is(write(driver, 5, "x".repeat(300)), 0);
  for (let i = 0; i < 4; i++) driver.guest.advance(1);
  t.deepEqual(said().slice(2), [`${"x".repeat(128)}\0`]);
  t.is(driver.guest.deadline("more"), undefined, "nothing polls");
  channels.room = 16;
  pulse();
  for (let i = 0; i < 4; i++) driver.guest.advance(1);
  t.is(said().slice(2).join("").replaceAll("\0", ""), "x".repeat(300));
  t.is(driver.used(5).length, 1);
});

test("what comes through a pipe faster than the driver takes it waits in the pipe", (t) => {
  const { driver, appear, hear, channels } = piped();
  appear();
  control(driver, events.open, 1, 1);
  const text = (i: number): string => String.fromCharCode(0x61 + i).repeat(100);
  for (let i = 0; i < 6; i++) hear(...Buffer.from(`${text(i)}\0`));
  t.is(channels.waiting(channels.sent[0]!.wire).length, 4);
  for (let i = 0; i < 8; i++) offerBuffer(driver, 4, i, 100);
  driver.notify(4);
  for (let i = 0; i < 12; i++) driver.guest.advance(1);
  t.is(Buffer.concat(received(driver, 4)).toString(), [0, 1, 2, 3, 4, 5].map(text).join(""));
});

test("ports that cannot be are refused", (t) => {
  const named = (name: string) => ({ name, console: false });
  const make = (...names: string[]) => virtioConsoleDevice(0xc000_0000, { ports: names.map(named) });
  t.throws(() => make(), { message: /1 to 14 ports, not 0/ });
  t.throws(() => make(..."abcdefghijklmno"), { message: /1 to 14 ports, not 15/ });
  t.throws(() => make("a b"), { message: /"a b"/ });
  t.throws(() => make("x".repeat(33)), { message: /1 to 32 letters/ });
  t.throws(() => make("twice", "twice"), { message: /two ports/ });
  t.notThrows(() => make(..."abcdefghijklmn"));
});
