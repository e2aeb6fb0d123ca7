import test from "ava";
import { BlockOperation, BlockResult } from "../../dsl/device/volume.ts";
import { blkVolume } from "../testing/virtio-blk-volume.ts";
import { virtioBlkVolume } from "./blk-volume.ts";
import { feature, descriptorFlag, Driver, placesOf, type Descriptor } from "./testing/driver.ts";

const { data, descriptors } = placesOf(0);
const header = data;
const payload = data + 0x400;
const out = (bytes: number, gpa: number | bigint = payload): Descriptor => ({ gpa, bytes });
const into = (bytes: number, gpa: number | bigint = payload): Descriptor => ({ gpa, bytes, writable: true });

/** A driver whose requests each have descriptors, a header and a status of their own. */
class Disk extends Driver<unknown> {
  constructor(device = blkVolume) {
    super(device as never, 64);
    this.start(1, feature.version1 | feature.indirect);
  }
  get volume() {
    return this.guest.volume("disk");
  }
  statusOf(n: number): number {
    return Number(this.memory.get(data + 0x200 + n, 1));
  }
  /** Offers request `n`, and tells the device unless asked not to. */
  ask(n: number, type: number, sector: number | bigint, list: readonly Descriptor[], tells = true): void {
    this.memory.set(header + 16 * n, 4, type);
    this.memory.set(header + 16 * n + 8, 8, sector);
    this.memory.set(data + 0x200 + n, 1, 0xee);
    this.chain(descriptors, 4 * n, [out(16, header + 16 * n), ...list, into(1, data + 0x200 + n)]);
    this.offer(0, 4 * n);
    if (tells) this.notify(0);
  }
  /** Ends a request, the oldest if not said otherwise. */
  end(result?: BlockResult, slot?: number): void {
    this.guest.send("done", [this.volume.end(result, slot)]);
  }
}

test("the device tells the size of its volume, and one that is missing has none", (t) => {
  const disk = new Disk();
  t.is(disk.guest.readAt64("deviceConfiguration", 0), 16n);
  disk.volume.bytes = new Uint8Array(0);
  t.is(disk.guest.readAt64("deviceConfiguration", 0), 0n);
});

test("data goes between the disk and the guest's memory, and the answer comes when the disk has ended", (t) => {
  const disk = new Disk();
  disk.memory.fill(payload, new Uint8Array(1024).fill(0x5a));
  disk.ask(0, 1, 3, [out(500), out(524, payload + 500)]);
  t.deepEqual(disk.used(0), []);
  t.is(disk.statusOf(0), 0xee);
  t.deepEqual(
    disk.volume.submitted[0]!.pieces.map(({ bytes }) => bytes),
    [500, 524],
  );
  disk.end();
  t.deepEqual(disk.used(0), [{ head: 0, bytes: 1 }]);
  t.is(disk.statusOf(0), 0);
  t.true(disk.volume.bytes.subarray(3 * 512, 5 * 512).every((byte) => byte === 0x5a));
  t.deepEqual(disk.vectors(), [1]);
  disk.ask(1, 0, 4, [into(512, payload + 0x800)]);
  disk.end();
  t.deepEqual(disk.used(0), [{ head: 4, bytes: 513 }]);
  t.is(Number(disk.memory.get(payload + 0x800, 1)), 0x5a);
});

test("requests end in the order in which the disk ends them", (t) => {
  const disk = new Disk();
  for (let n = 0; n < 3; n++) disk.ask(n, 0, n, [into(512, payload + 512 * n)]);
  const slots = disk.volume.submitted.map(({ slot }) => slot);
  disk.end(undefined, slots[2]);
  disk.end(BlockResult.failed, slots[0]);
  disk.end(undefined, slots[1]);
  t.deepEqual(
    disk.used(0).map(({ head }) => head),
    [8, 0, 4],
  );
  t.deepEqual(
    [0, 1, 2].map((n) => disk.statusOf(n)),
    [1, 0, 0],
  );
});

test("more requests than a volume may have wait until one has ended", (t) => {
  const disk = new Disk();
  for (let n = 0; n < 12; n++) disk.ask(n, 4, 0, []);
  t.is(disk.volume.submitted.length, 8);
  disk.end();
  t.is(disk.volume.submitted.length, 8);
  for (let n = 0; n < 11; n++) disk.end();
  t.is(disk.used(0).length, 12);
  t.is(disk.volume.submitted.length, 0);
});

test("many requests at once are taken a few at a time", (t) => {
  const disk = new Disk();
  for (let n = 0; n < 6; n++) disk.ask(n, 4, 0, [], false);
  disk.notify(0);
  t.is(disk.volume.submitted.length, 4);
  disk.guest.advance(0);
  t.is(disk.volume.submitted.length, 6);
});

test("flushes and discards reach the disk; one that cannot discard keeps the content, which is no error", (t) => {
  const disk = new Disk();
  disk.ask(0, 4, 0, []);
  t.is(disk.volume.submitted[0]!.operation, BlockOperation.flush);
  disk.end();
  disk.memory.set(payload, 8, 5);
  disk.memory.set(payload + 8, 4, 3);
  disk.ask(1, 11, 0, [out(16)]);
  const { operation, sector, sectors } = disk.volume.submitted[0]!;
  t.deepEqual([operation, sector, sectors], [BlockOperation.discard, 5n, 3]);
  disk.end(BlockResult.unsupported);
  disk.ask(2, 11, 0, [out(16)]);
  disk.end(BlockResult.outside);
  disk.memory.set(payload + 12, 4, 1);
  disk.ask(3, 11, 0, [out(16)]);
  disk.ask(4, 11, 0, [out(15)]);
  t.deepEqual(
    [0, 1, 2, 3, 4].map((n) => disk.statusOf(n)),
    [0, 0, 1, 2, 1],
  );
});

test("a read-only disk says so and takes no discards", (t) => {
  const device = virtioBlkVolume(0xc000_0000, { name: "disk", readOnly: true });
  const disk = new Disk(device as never);
  const bits = Number(disk.guest.readAt("common", 4, 4));
  t.is(bits & 0x2220, 0x0220);
  disk.ask(0, 11, 0, [out(16)]);
  t.is(disk.statusOf(0), 2);
  disk.ask(1, 1, 0, [out(512)]);
  disk.end(BlockResult.failed);
  t.is(disk.statusOf(1), 1);
});

test("sectors that the disk has not, parts of sectors, and data that is no memory fail alone", (t) => {
  const disk = new Disk();
  disk.ask(0, 0, 16, [into(512)]);
  disk.end();
  disk.ask(1, 0, 0, [into(511)]);
  disk.ask(2, 1, 0, [out(512, 0xc000_0000)]);
  disk.ask(3, 0, 0, [into(256), into(256, 0x10_0000 - 128)]);
  t.deepEqual(
    [0, 1, 2, 3].map((n) => disk.statusOf(n)),
    [1, 1, 1, 1],
  );
  t.deepEqual(disk.volume.submitted, []);
  t.is(disk.status, 15);
});

test("the disk's name is told, and what is unknown is unsupported", (t) => {
  const disk = new Disk();
  disk.ask(0, 8, 0, [into(20)]);
  t.is(Buffer.from(disk.memory.at(payload, 6)!).toString("latin1"), "disk\0\0");
  disk.ask(1, 13, 0, [out(16)]);
  t.deepEqual([disk.statusOf(0), disk.statusOf(1)], [0, 2]);
});

test("what the guest changes after a request was taken changes nothing", (t) => {
  const disk = new Disk();
  disk.ask(0, 1, 3, [out(512)]);
  disk.memory.set(header, 4, 0);
  disk.memory.set(header + 8, 8, 9);
  disk.describe(descriptors, 1, { gpa: 0xc000_0000, bytes: 0xffff_ffff }, descriptorFlag.next, 2);
  disk.describe(descriptors, 2, { gpa: 0xc000_0000, bytes: 1 }, descriptorFlag.write, 0);
  disk.end();
  t.is(disk.statusOf(0), 0);
  t.is(disk.volume.submitted.length, 0);
});

test("a reset is complete when nothing is under way any more, and nothing is answered after it", (t) => {
  const disk = new Disk();
  disk.ask(0, 0, 0, [into(512)]);
  disk.ask(1, 0, 1, [into(512)]);
  disk.guest.writeAt("common", 0x14, 1, 0);
  t.is(disk.status, 15);
  disk.end();
  t.is(disk.status, 15);
  disk.guest.writeAt("common", 0x14, 1, 3);
  disk.notify(0);
  disk.end();
  t.is(disk.status, 0);
  t.deepEqual([disk.statusOf(0), disk.statusOf(1)], [0xee, 0xee]);
  t.deepEqual(disk.vectors(), []);
  t.is(disk.guest.readAt("common", 0x1c, 2), 0);
});

test("an end of what is not under way is nothing", (t) => {
  const disk = new Disk();
  disk.ask(0, 0, 0, [into(512)]);
  const byte = disk.volume.end();
  disk.guest.send("done", [byte ^ 7]);
  t.deepEqual(disk.used(0), []);
  disk.guest.send("done", [byte]);
  t.is(disk.used(0).length, 1);
});

test("a request without a header or a place for its answer makes the device ask for a reset", (t) => {
  for (const list of [[out(15, header), into(1)], [out(16, header)], [into(1)]]) {
    const disk = new Disk();
    t.deepEqual(disk.request(0, list), []);
    t.is(disk.status, 0x4f);
    t.deepEqual(disk.guest.reported(), ["validQueue"]);
  }
});

test("an answer that has no memory any more makes the device ask for a reset when the disk has ended", (t) => {
  const disk = new Disk();
  disk.memory.set(header, 4, 0);
  disk.memory.set(header + 8, 8, 0);
  disk.request(0, [out(16, header), into(512), into(1, 0xc000_0000)]);
  t.is(disk.status, 15);
  disk.end();
  t.is(disk.status, 0x4f);
});
