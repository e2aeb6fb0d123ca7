import test from "ava";
import { rng } from "../testing/virtio-rng.ts";
import { Driver, feature, placesOf } from "./testing/driver.ts";

/** A driver that has no mapping: everything behind the base address goes through configuration space (virtio 1.2 §4.1.4.9). */
function unmapped() {
  const driver = new Driver(rng as never, 8);
  const { guest } = driver;
  let at = guest.readAt("configuration", 0x34, 1);
  while (at !== 0 && guest.readAt("configuration", at + 3, 1) !== 5)
    at = guest.readAt("configuration", at + 1, 1);
  const aim = (offset: number, length: number): void => {
    guest.writeAt("configuration", at + 4, 1, 0);
    guest.writeAt("configuration", at + 8, 4, offset);
    guest.writeAt("configuration", at + 12, 4, length);
  };
  return {
    driver,
    length: guest.readAt("configuration", at + 2, 1),
    put(offset: number, length: 1 | 2 | 4, value: number): void {
      aim(offset, length);
      guest.writeAt("configuration", at + 16, length, value);
    },
    get(offset: number, length: 1 | 2 | 4): number {
      aim(offset, length);
      return guest.readAt("configuration", at + 16, length);
    },
  };
}

test("a driver without a mapping sets the device up, notifies it and hears of its answer through configuration space", (t) => {
  const { driver, length, put, get } = unmapped();
  t.is(length, 20);
  const { descriptors, driver: available, device, data } = placesOf(0);
  driver.guest.writeAt("configuration", 4, 2, 4);
  for (const status of [0, 1, 3]) put(0x14, 1, status);
  put(0x08, 4, 1);
  put(0x0c, 4, Number(feature.version1 >> 32n));
  put(0x14, 1, 11);
  t.is(get(0x14, 1), 11);
  t.is(get(0x18, 2), 8);
  [descriptors, available, device].forEach((place, i) => put(0x20 + 8 * i, 4, place));
  put(0x1c, 2, 1);
  put(0x14, 1, 15);
  driver.chain(descriptors, 0, [{ gpa: data, bytes: 16, writable: true }]);
  driver.offer(0, 0);
  put(0x2000, 2, 0);
  t.deepEqual(driver.used(0), [{ head: 0, bytes: 16 }]);
  t.true(driver.guest.line("intx"));
  t.is(get(0x800, 1), 1);
  t.false(driver.guest.line("intx"), "reading the ISR status takes it back");
  t.is(get(0x800, 1), 0);
});
