import test from "ava";
import { blk } from "../testing/virtio-blk.ts";
import { Driver, placesOf, type Descriptor } from "./testing/driver.ts";
import { virtioBlkDevice } from "./blk.ts";

const { data } = placesOf(0);
const header = data;
const status = data + 0x20;
const payload = data + 0x100;
const readDisk = 0;
const writeDisk = 1;

const made = (): Driver<unknown> => new Driver(blk as never, 16).start(1);
/** One request, and what its status says. */
function ask(
  driver: Driver<unknown>,
  type: number,
  sector: number | bigint,
  list: readonly Descriptor[],
): number {
  driver.memory.set(header, 4, type);
  driver.memory.set(header + 8, 8, sector);
  driver.memory.set(status, 1, 0xee);
  const used = driver.request(0, [
    { gpa: header, bytes: 16 },
    ...list,
    { gpa: status, bytes: 1, writable: true },
  ]);
  return used.length === 1 ? Number(driver.memory.get(status, 1)) : -1;
}
const out = (bytes: number, gpa: number | bigint = payload): Descriptor => ({ gpa, bytes });
const into = (bytes: number, gpa: number | bigint = payload): Descriptor => ({ gpa, bytes, writable: true });

test("the disk tells how many sectors it has", (t) => {
  const driver = made();
  t.is(driver.guest.readAt64("deviceConfiguration", 0), 16n);
  t.is(driver.guest.readAt("deviceConfiguration", 8, 4), 4096);
});

test("what was written is read back, from wherever it was scattered to, and the rest is zero", (t) => {
  const driver = made();
  driver.memory.fill(
    payload,
    Array.from({ length: 1024 }, (_, i) => (i * 5 + 1) & 0xff),
  );
  t.is(ask(driver, writeDisk, 3, [out(100), out(924, payload + 100)]), 0);
  driver.memory.fill(payload, new Uint8Array(1024));
  t.is(ask(driver, readDisk, 2, [into(700), into(836, payload + 700)]), 0);
  const back = driver.memory.at(payload, 1536)!;
  t.true(back.subarray(0, 512).every((byte) => byte === 0));
  t.true(back.subarray(512).every((byte, i) => byte === ((i * 5 + 1) & 0xff)));
  t.deepEqual(driver.vectors(), [1, 1]);
});

test("a reset of the device leaves the disk", (t) => {
  const driver = made();
  driver.memory.fill(payload, new Uint8Array(512).fill(0x5a));
  t.is(ask(driver, writeDisk, 15, [out(512)]), 0);
  driver.guest.reset();
  driver.guest.writeAt("common", 0x14, 1, 0);
  t.is((driver.guest.u as { disk: { bytes: number[] } }).disk.bytes[15 * 512], 0x5a);
});

test("sectors that the disk has not, and parts of sectors, are an error of the request alone", (t) => {
  const driver = made();
  driver.memory.fill(payload, new Uint8Array(1024).fill(0x77));
  for (const [type, list] of [
    [readDisk, [into(512)]],
    [writeDisk, [out(512)]],
  ] as const)
    for (const sector of [16n, 0xffff_ffff_ffff_ffffn, 1n << 55n, 0x80_0000n])
      t.is(ask(driver, type, sector, list), 1);
  t.is(ask(driver, writeDisk, 15, [out(1024)]), 1);
  t.is(ask(driver, readDisk, 0, [into(511)]), 1);
  t.is(ask(driver, writeDisk, 0, [out(513)]), 1);
  t.is(driver.status, 15);
  t.true(
    Array.from((driver.guest.u as { disk: { bytes: number[] } }).disk.bytes).every((byte) => byte === 0),
  );
});

test("data outside of memory, and a segment that is longer than the device says, are an error of the request", (t) => {
  const driver = made();
  t.is(ask(driver, readDisk, 0, [into(512, 0xc000_0000)]), 1);
  t.is(ask(driver, writeDisk, 0, [out(512, 0x10_0000 - 256)]), 1);
  t.is(ask(driver, readDisk, 0, [into(4608)]), 1);
  t.is(driver.status, 15);
});

test("flush is done, the disk has a name, and what is unknown is unsupported", (t) => {
  const driver = made();
  t.is(ask(driver, 4, 0, []), 0);
  t.is(ask(driver, 8, 0, [into(20)]), 0);
  t.is(Buffer.from(driver.memory.at(payload, 20)!).toString("latin1"), "typevisor-ram-disk\0\0");
  t.is(ask(driver, 13, 0, [out(16)]), 2);
  t.is(ask(driver, 0xffff_ffff, 0, []), 2);
});

test("discarding sectors is checked", (t) => {
  const driver = made();
  const range = (sector: number, count: number, flags = 0): number => {
    driver.memory.set(payload, 8, sector);
    driver.memory.set(payload + 8, 4, count);
    driver.memory.set(payload + 12, 4, flags);
    return ask(driver, 11, 0, [out(16)]);
  };
  t.is(range(0, 16), 0);
  t.is(range(8, 9), 1);
  t.is(range(17, 0), 1);
  t.is(range(0, 1, 1), 2);
  t.is(ask(driver, 11, 0, [out(8)]), 1);
});

test("a request without a header, or without a place for its answer, makes the device ask for a reset", (t) => {
  for (const list of [
    [{ gpa: header, bytes: 15 }, into(1)],
    [{ gpa: header, bytes: 16 }],
    [into(1)],
    [{ gpa: header, bytes: 16 }, into(1, 0xc000_0000)],
  ]) {
    const driver = made();
    t.deepEqual(driver.request(0, list), []);
    t.is(driver.status, 0x4f);
    t.deepEqual(driver.guest.reported(), ["validQueue"]);
  }
});

test("a disk of no whole sectors is refused", (t) => {
  t.throws(() => virtioBlkDevice(0xc000_0000, 1000), { message: /whole sectors of 512 bytes, not 1000/ });
});
