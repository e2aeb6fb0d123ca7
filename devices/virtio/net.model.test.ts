import test from "ava";
import { net } from "../testing/virtio-net.ts";
import { descriptorFlag, Driver, feature, placesOf, type Descriptor } from "./testing/driver.ts";

const mergeable = 1n << 15n;
const needsReset = 0x40;
const [receiving, sending] = [0, 1];
const rx = placesOf(receiving);
const tx = placesOf(sending);
const header = 12;

const made = (features = feature.version1): Driver<unknown> =>
  new Driver(net as never, 64).start(2, features);
const port = (driver: Driver<unknown>) => driver.guest.board.port;

/** Bytes that no two places have in common. */
const pattern = (length: number, seed = 0): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + seed + (i >> 8)) & 0xff);
/** Sends a frame whose header is somewhere, scattered as the lengths say. */
function send(driver: Driver<unknown>, bytes: readonly number[], ...lengths: number[]) {
  driver.memory.fill(tx.data, [...Array<number>(header).fill(0xee), ...bytes]);
  const all = header + bytes.length;
  const cuts = lengths.length > 0 ? lengths : [all];
  let at = 0;
  const list = cuts.map((length): Descriptor => {
    const d = { gpa: tx.data + at, bytes: length };
    at += length;
    return d;
  });
  return driver.request(sending, list);
}
/** Gives the device buffers of these lengths for frames, each behind the other. */
function offerBuffers(driver: Driver<unknown>, lengths: readonly number[], first = 0): number[] {
  let at = rx.data;
  return lengths.map((length, i) => {
    const gpa = at;
    driver.describe(rx.descriptors, first + i, { gpa, bytes: length }, descriptorFlag.write, 0);
    driver.offer(receiving, first + i);
    at += length;
    return gpa;
  });
}
/** A frame comes, and the board tells of it. */
function arrive(driver: Driver<unknown>, ...frames: (readonly number[])[]): void {
  for (const bytes of frames) port(driver).arrive(bytes);
  driver.guest.input("arrival", 0, true);
  driver.guest.input("arrival", 0, false);
}
const bytesAt = (driver: Driver<unknown>, gpa: number, length: number): number[] => [
  ...driver.memory.at(gpa, length)!,
];

test("the driver is told the port's address, that the link is up, and what a frame holds", (t) => {
  const driver = made();
  port(driver).address = 0x0605_0403_0254n;
  const byte = (at: number): number => driver.guest.readAt("deviceConfiguration", at, 1);
  t.deepEqual([0, 1, 2, 3, 4, 5].map(byte), [0x54, 2, 3, 4, 5, 6]);
  t.is(driver.guest.readAt("deviceConfiguration", 6, 2), 1);
  t.is(driver.guest.readAt("deviceConfiguration", 8, 2), 1);
  t.is(driver.guest.readAt("deviceConfiguration", 10, 2), 1500);
});

test("a frame leaves as it was, without its header, from wherever it was scattered to", (t) => {
  const driver = made();
  const frame = pattern(1514);
  t.deepEqual(send(driver, frame), [{ head: 0, bytes: 0 }]);
  send(driver, frame, 12, 1000, 514);
  send(driver, frame, 5, 7 + 3, 1, 1510);
  t.deepEqual(port(driver).sent, [frame, frame, frame]);
  t.deepEqual(driver.vectors(), [2, 2, 2]);
});

test("what is no frame is given back, counted, told of once, and goes nowhere", (t) => {
  const driver = made();
  send(driver, pattern(1519));
  send(driver, pattern(60_000));
  send(driver, [], 12);
  send(driver, [], 3);
  send(driver, pattern(13));
  // The device has nothing to write.
  driver.request(sending, [
    { gpa: tx.data, bytes: 100 },
    { gpa: tx.data, bytes: 100, writable: true },
  ]);
  t.deepEqual(port(driver).sent, []);
  t.is((driver.guest.u as { validFrame: { count: number } }).validFrame.count, 6);
  t.deepEqual(driver.guest.reported(), ["validFrame"]);
  t.is(driver.status, 15);
  send(driver, pattern(60));
  t.is(port(driver).sent.length, 1, "and the next one leaves");
});

test("a port that may not send yet keeps the driver's frames, and sends them when it may", (t) => {
  const driver = made();
  port(driver).delayNs = 5000n;
  t.deepEqual(send(driver, pattern(60)), []);
  t.is(driver.guest.deadline("more"), 5000n);
  driver.guest.advance(4999);
  t.is(port(driver).sent.length, 0);
  port(driver).delayNs = 0n;
  driver.guest.advance(1);
  t.is(port(driver).sent.length, 1);
  t.deepEqual(driver.used(sending), [{ head: 0, bytes: 0 }]);
});

test("one notification sends four frames, and the rest follow right after", (t) => {
  const driver = made();
  driver.memory.fill(tx.data, pattern(100));
  for (let i = 0; i < 10; i++) {
    driver.describe(tx.descriptors, i, { gpa: tx.data, bytes: 100 }, 0, 0);
    driver.offer(sending, i);
  }
  driver.notify(sending);
  t.is(port(driver).sent.length, 4);
  driver.guest.advance(1);
  t.is(port(driver).sent.length, 10);
});

test("a frame that comes is behind a header that says so, and interrupts", (t) => {
  const driver = made();
  const [gpa] = offerBuffers(driver, [1526]);
  driver.memory.fill(gpa!, Array<number>(1526).fill(0xee));
  const frame = pattern(60);
  arrive(driver, frame);
  t.deepEqual(driver.used(receiving), [{ head: 0, bytes: 72 }]);
  t.deepEqual(bytesAt(driver, gpa!, 72), [...Array<number>(10).fill(0), 1, 0, ...frame]);
  t.is(bytesAt(driver, gpa! + 72, 1)[0], 0xee);
  t.deepEqual(driver.vectors(), [1]);
  t.is(port(driver).waiting.length, 0);
});

test("frames wait for buffers, and are given in their order", (t) => {
  const driver = made();
  const frames = Array.from({ length: 3 }, (_, i) => pattern(60 + i, i));
  arrive(driver, ...frames);
  t.deepEqual(driver.used(receiving), []);
  t.is(driver.status, 15);
  offerBuffers(driver, [1526, 1526, 1526]);
  driver.notify(receiving);
  t.deepEqual(
    driver.used(receiving).map(({ bytes }) => bytes),
    [72, 73, 74],
  );
});

test("a frame is spread over buffers where that was agreed upon, and all of them are given back at once", (t) => {
  const driver = made(feature.version1 | mergeable);
  const frame = pattern(1514);
  const [first] = offerBuffers(driver, [400, 700, 426]);
  arrive(driver, frame);
  t.deepEqual(driver.used(receiving), [
    { head: 0, bytes: 400 },
    { head: 1, bytes: 700 },
    { head: 2, bytes: 426 },
  ]);
  t.deepEqual(bytesAt(driver, first!, 12), [...Array<number>(10).fill(0), 3, 0]);
  t.deepEqual(bytesAt(driver, first! + 12, 1514), frame);
  t.deepEqual(driver.vectors(), [1]);
  // A shorter one needs one of the next.
  offerBuffers(driver, [400, 400], 3);
  arrive(driver, pattern(60));
  t.deepEqual(driver.used(receiving), [{ head: 3, bytes: 72 }]);
});

test("a frame waits until there are enough buffers for all of it", (t) => {
  const driver = made(feature.version1 | mergeable);
  const frame = pattern(1000);
  offerBuffers(driver, [500, 500]);
  arrive(driver, frame);
  t.deepEqual(driver.used(receiving), []);
  offerBuffers(driver, [500], 2);
  driver.notify(receiving);
  t.deepEqual(
    driver.used(receiving).map(({ head, bytes }) => [head, bytes]),
    [
      [0, 500],
      [1, 500],
      [2, 12],
    ],
  );
});

test("buffers that no frame fits into make the device ask for a reset", (t) => {
  const tiny = made(feature.version1 | mergeable);
  offerBuffers(tiny, Array<number>(8).fill(16));
  arrive(tiny, pattern(1000));
  t.is(tiny.status, 15 | needsReset);
  const alone = made();
  offerBuffers(alone, [500, 500, 500]);
  arrive(alone, pattern(1000));
  t.is(alone.status, 15 | needsReset);
  t.deepEqual(alone.used(receiving), []);
});

test("a driver that changes buffers while they are counted is asked for a reset, and is given nothing", (t) => {
  const driver = made(feature.version1 | mergeable);
  offerBuffers(driver, [600, 600]);
  const length = BigInt(rx.descriptors + 16 + 8);
  let looks = 0;
  driver.memory.beforeRead = (gpa) => {
    if (gpa === length && looks++ === 1) driver.memory.set(length, 4, 10);
  };
  arrive(driver, pattern(1000));
  t.is(looks, 2);
  t.is(driver.status, 15 | needsReset);
  t.deepEqual(driver.used(receiving), []);
});

test("frames that came before the driver was ready are not for it", (t) => {
  const driver = new Driver<unknown>(net as never, 64);
  for (let i = 0; i < 70; i++) port(driver).arrive(pattern(60));
  driver.start(2);
  offerBuffers(driver, [1526]);
  driver.notify(receiving);
  t.deepEqual(driver.used(receiving), []);
  arrive(driver, pattern(60));
  t.is(driver.used(receiving).length, 1);
});

/** What no driver does with its rings. */
const broken: Readonly<Record<string, (driver: Driver<unknown>) => void>> = {
  "a frame outside of memory": (d) => void d.request(sending, [{ gpa: 0xc000_0000, bytes: 100 }]),
  "a frame that leaves memory": (d) => void d.request(sending, [{ gpa: 0x10_0000 - 50, bytes: 100 }]),
  "a frame whose end wraps": (d) => void d.request(sending, [{ gpa: 0xffff_ffff_ffff_fff0n, bytes: 100 }]),
  "a chain that leads back into itself": (d) => {
    d.describe(tx.descriptors, 0, { gpa: tx.data, bytes: 10 }, descriptorFlag.next, 1);
    d.describe(tx.descriptors, 1, { gpa: tx.data, bytes: 10 }, descriptorFlag.next, 0);
    d.offer(sending, 0);
    d.notify(sending);
  },
  "more chains than the queue has": (d) => {
    d.memory.set(tx.driver + 2, 2, 65);
    d.notify(sending);
  },
  "an index that goes backwards": (d) => {
    d.memory.set(tx.driver + 2, 2, 0xffff);
    d.notify(sending);
  },
  "a buffer outside of memory": (d) => {
    d.describe(rx.descriptors, 0, { gpa: 0xc000_0000, bytes: 1526 }, descriptorFlag.write, 0);
    d.offer(receiving, 0);
    arrive(d, pattern(60));
  },
  "a buffer of which a part is outside of memory": (d) => {
    d.describe(rx.descriptors, 0, { gpa: 0x10_0000 - 40, bytes: 1526 }, descriptorFlag.write, 0);
    d.offer(receiving, 0);
    arrive(d, pattern(60));
  },
  "a buffer that is for reading": (d) => {
    d.describe(rx.descriptors, 0, { gpa: rx.data, bytes: 1526 }, 0, 0);
    d.offer(receiving, 0);
    arrive(d, pattern(60));
  },
};
for (const [what, act] of Object.entries(broken))
  test(`${what}: the device asks for a reset, and is told of once`, (t) => {
    const driver = made();
    act(driver);
    t.is(driver.status, 15 | needsReset);
    t.deepEqual(driver.guest.reported(), ["validQueue"]);
    t.deepEqual(driver.vectors(), [0]);
    t.deepEqual(port(driver).sent, []);
    driver.notify(sending);
    driver.notify(receiving);
    t.deepEqual(driver.vectors(), [0]);
  });
