import test from "ava";
import { rng } from "../testing/virtio-rng.ts";
import { descriptorFlag, Driver, feature, placesOf } from "./testing/driver.ts";

const make = (): Driver<unknown> => new Driver(rng as never, 8);
const { descriptors, driver: available, device: usedRing, indirect, data } = placesOf(0);
const needsReset = 0x40;

test("a driver's buffers are filled with random numbers, up to 64 bytes each", (t) => {
  const driver = make().start(1);
  driver.guest.board.random = 0x1122_3344_5566_7788n;
  t.deepEqual(driver.request(0, [{ gpa: data, bytes: 12, writable: true }]), [{ head: 0, bytes: 12 }]);
  t.is(driver.memory.get(data, 8), 0x1122_3344_5566_7788n);
  t.is(driver.memory.get(data + 8, 8), 0x5566_7788n);
  t.deepEqual(driver.request(0, [{ gpa: data, bytes: 4096, writable: true }]), [{ head: 0, bytes: 64 }]);
  t.deepEqual(driver.vectors(), [1, 1]);
});

test("what one notification leaves is served right after", (t) => {
  const driver = make().start(1);
  for (let i = 0; i < 7; i++) {
    driver.describe(descriptors, i, { gpa: data + 64 * i, bytes: 8 }, descriptorFlag.write, 0);
    driver.offer(0, i);
  }
  driver.notify(0);
  t.is(driver.used(0).length, 4);
  driver.guest.advance(1);
  t.is(driver.used(0).length, 3);
});

test("without a source of random numbers the device asks for a reset", (t) => {
  const driver = make().start(1);
  driver.guest.board.random = undefined;
  t.deepEqual(driver.request(0, [{ gpa: data, bytes: 8, writable: true }]), []);
  t.is(driver.status & needsReset, needsReset);
  t.deepEqual(driver.vectors(), [0], "a change of configuration");
});

test("features that were not offered, and drivers of before version 1, are refused", (t) => {
  t.is(make().negotiate(feature.version1), 11);
  t.is(make().negotiate(0n), 3);
  t.is(make().negotiate(feature.version1 | 1n), 3);
  t.is(make().negotiate(feature.version1 | (1n << 40n)), 3);
  const driver = make();
  driver.guest.writeAt("common", 0, 4, 1);
  t.is(driver.guest.readAt("common", 4, 4), 1);
  driver.guest.writeAt("common", 0, 4, 2);
  t.is(driver.guest.readAt("common", 4, 4), 0);
});

test("the registers of a queue that is not there are 0, and vectors that are not there are none", (t) => {
  const driver = make();
  driver.negotiate(feature.version1);
  t.is(driver.guest.readAt("common", 0x12, 2), 1);
  t.is(driver.guest.readAt("common", 0x18, 2), 8);
  driver.guest.writeAt("common", 0x1a, 2, 7);
  t.is(driver.guest.readAt("common", 0x1a, 2), 0xffff);
  driver.guest.writeAt("common", 0x16, 2, 1);
  t.is(driver.guest.readAt("common", 0x18, 2), 0);
  driver.guest.writeAt("common", 0x1c, 2, 1);
  t.is(driver.status, 11);
});

test("a write of 0 to the status puts everything back", (t) => {
  const driver = make().start(1);
  driver.guest.writeAt("common", 0x14, 1, 0);
  t.is(driver.guest.readAt("common", 0x1c, 2), 0);
  t.is(driver.guest.readAt("common", 0x10, 2), 0xffff);
  t.deepEqual(driver.request(0, [{ gpa: data, bytes: 8, writable: true }]), []);
  t.is(driver.status, 0);
});

test("a chain of an indirect table is one of the queue, where it was agreed upon", (t) => {
  const both = feature.version1 | feature.indirect;
  const table = (driver: Driver<unknown>): readonly unknown[] => {
    driver.chain(indirect, 0, [
      { gpa: data, bytes: 3, writable: true },
      { gpa: data + 0x100, bytes: 5, writable: true },
    ]);
    driver.describe(descriptors, 2, { gpa: indirect, bytes: 32 }, descriptorFlag.indirect, 0);
    driver.offer(0, 2);
    driver.notify(0);
    return driver.used(0);
  };
  t.deepEqual(table(make().start(1, both)), [{ head: 2, bytes: 8 }]);
  const without = make().start(1);
  t.deepEqual(table(without), []);
  t.is(without.status & needsReset, needsReset);
});

test("with the event index, only the chain that the driver waits for interrupts, and the device says when to notify", (t) => {
  const driver = make().start(1, feature.version1 | feature.eventIndex);
  const buffer = [{ gpa: data, bytes: 8, writable: true }];
  driver.memory.set(available + 4 + 16, 2, 1);
  driver.request(0, buffer);
  t.deepEqual(driver.vectors(), []);
  t.is(driver.memory.get(usedRing + 4 + 64, 2), 1n, "to be told of the next");
  driver.request(0, buffer);
  t.deepEqual(driver.vectors(), [1]);
});

test("a driver that wants no interrupts gets none", (t) => {
  const driver = make().start(1);
  driver.memory.set(available, 2, 1);
  driver.request(0, [{ gpa: data, bytes: 8, writable: true }]);
  t.deepEqual(driver.vectors(), []);
});

/** Rings that no driver writes. Each is offered to a device that has agreed to indirect descriptors. */
const broken: Readonly<Record<string, (driver: Driver<unknown>) => void>> = {
  "a chain that leads back into itself": (d) => {
    d.describe(descriptors, 0, { gpa: data, bytes: 1 }, descriptorFlag.write | descriptorFlag.next, 1);
    d.describe(descriptors, 1, { gpa: data, bytes: 1 }, descriptorFlag.write | descriptorFlag.next, 0);
    d.offer(0, 0);
  },
  "a head behind the table": (d) => d.offer(0, 8),
  "a next descriptor behind the table": (d) => {
    d.describe(descriptors, 0, { gpa: data, bytes: 1 }, descriptorFlag.write | descriptorFlag.next, 0xffff);
    d.offer(0, 0);
  },
  "more chains than the queue has": (d) => d.memory.set(available + 2, 2, 9),
  "an index that goes backwards": (d) => d.memory.set(available + 2, 2, 0xffff),
  "a buffer outside of memory": (d) => {
    d.describe(descriptors, 0, { gpa: 0xc000_0000, bytes: 8 }, descriptorFlag.write, 0);
    d.offer(0, 0);
  },
  "a buffer that leaves memory": (d) => {
    d.describe(descriptors, 0, { gpa: 0x10_0000 - 4, bytes: 8 }, descriptorFlag.write, 0);
    d.offer(0, 0);
  },
  "a buffer whose end wraps": (d) => {
    d.describe(descriptors, 0, { gpa: 0xffff_ffff_ffff_fff8n, bytes: 64 }, descriptorFlag.write, 0);
    d.offer(0, 0);
  },
  "more bytes than a chain may have": (d) => {
    d.chain(descriptors, 0, [
      { gpa: data, bytes: 0xffff_ffff, writable: true },
      { gpa: data, bytes: 2, writable: true },
    ]);
    d.offer(0, 0);
  },
  "a readable descriptor behind a writable one": (d) => {
    d.chain(descriptors, 0, [
      { gpa: data, bytes: 8, writable: true },
      { gpa: data, bytes: 8 },
    ]);
    d.offer(0, 0);
  },
  "an indirect table within another": (d) => {
    d.describe(indirect, 0, { gpa: indirect, bytes: 16 }, descriptorFlag.indirect, 0);
    d.describe(descriptors, 0, { gpa: indirect, bytes: 16 }, descriptorFlag.indirect, 0);
    d.offer(0, 0);
  },
  "an indirect table that goes on": (d) => {
    d.describe(
      descriptors,
      0,
      { gpa: indirect, bytes: 16 },
      descriptorFlag.indirect | descriptorFlag.next,
      1,
    );
    d.offer(0, 0);
  },
  "an indirect table of no whole descriptors": (d) => {
    d.describe(descriptors, 0, { gpa: indirect, bytes: 17 }, descriptorFlag.indirect, 0);
    d.offer(0, 0);
  },
  "an indirect table that is longer than the queue": (d) => {
    d.describe(descriptors, 0, { gpa: indirect, bytes: 9 * 16 }, descriptorFlag.indirect, 0);
    d.offer(0, 0);
  },
  "an indirect table outside of memory": (d) => {
    d.describe(descriptors, 0, { gpa: 0x10_0000, bytes: 16 }, descriptorFlag.indirect, 0);
    d.offer(0, 0);
  },
};
for (const [what, write] of Object.entries(broken)) {
  test(`${what}: the device asks for a reset, is told of once, and changes nothing else`, (t) => {
    const driver = make().start(1, feature.version1 | feature.indirect);
    write(driver);
    const before = Buffer.from(driver.memory.at(0, 0x10_0000)!);
    driver.notify(0);
    t.is(driver.status, 15 | needsReset);
    t.deepEqual(driver.guest.reported(), ["validQueue"]);
    t.deepEqual(driver.vectors(), [0]);
    t.true(before.equals(driver.memory.at(0, 0x10_0000)!));
    // A notification changes nothing until the driver has reset the device.
    driver.notify(0);
    driver.guest.writeAt("common", 0x14, 1, 15);
    t.is(driver.status, 15 | needsReset);
    t.deepEqual(driver.vectors(), [0]);
    driver.guest.writeAt("common", 0x14, 1, 0);
    t.is(driver.status, 0);
  });
}

test("rings outside of memory, and rings that are not aligned, make the device ask for a reset", (t) => {
  const usual = placesOf(0);
  for (const wrong of [{ driver: 0x10_0000 }, { device: 0x10_0000 - 8 }, { descriptors: 0xc000_0000 }]) {
    const driver = make();
    driver.negotiate(feature.version1);
    driver.enable(0, { ...usual, ...wrong });
    driver.guest.writeAt("common", 0x14, 1, 15);
    t.is(driver.status, 15);
    driver.request(0, [{ gpa: data, bytes: 8, writable: true }]);
    t.is(driver.status, 15 | needsReset, JSON.stringify(wrong));
  }
  for (const [wrong, size] of [
    [{ driver: usual.driver + 1 }, 8],
    [{ device: usual.device + 2 }, 8],
    [{ descriptors: usual.descriptors + 8 }, 8],
    [{}, 6],
    [{}, 0],
    [{}, 16],
  ] as const) {
    const driver = make();
    driver.negotiate(feature.version1);
    driver.enable(0, { ...usual, ...wrong }, size);
    t.is(driver.status & needsReset, needsReset, `${JSON.stringify(wrong)} ${size}`);
    t.is(driver.guest.readAt("common", 0x1c, 2), 0);
  }
});

test("a device that is no bus master takes nothing and sends nothing", (t) => {
  const driver = make().start(1);
  driver.guest.writeAt("configuration", 4, 2, 2);
  t.deepEqual(driver.request(0, [{ gpa: data, bytes: 8, writable: true }]), []);
  driver.guest.writeAt("configuration", 4, 2, 6);
  driver.notify(0);
  t.is(driver.used(0).length, 1);
});

test("without MSI-X the device asks at its pin until the ISR status is read", (t) => {
  const driver = make();
  const { guest } = driver;
  driver.negotiate(feature.version1);
  driver.enable(0);
  guest.writeAt("common", 0x14, 1, 15);
  t.is(driver.request(0, [{ gpa: data, bytes: 8, writable: true }]).length, 1);
  t.true(guest.line("intx"));
  t.is(guest.readAt("configuration", 0x06, 2) & 8, 8);
  t.is(guest.readAt("isrStatus", 0, 1), 1, "a queue");
  t.false(guest.line("intx"));
  t.is(guest.readAt("isrStatus", 0, 1), 0);
  // A head that no queue has: the device asks for a reset, which is a change of its configuration.
  driver.offer(0, 9);
  driver.notify(0);
  t.true(guest.line("intx"));
  t.is(guest.readAt("isrStatus", 0, 1), 2);
  t.false(guest.line("intx"));
  guest.writeAt("common", 0x14, 1, 0);
  driver.enable(0, { ...placesOf(0), driver: available + 1 });
  t.true(guest.line("intx"));
  guest.writeAt("common", 0x14, 1, 0);
  t.false(guest.line("intx"), "a reset takes it back");
  t.deepEqual(guest.messages("messages"), []);
});
