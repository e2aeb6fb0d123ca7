import test from "ava";
import { memory } from "../dsl/core/memory.ts";
import { crc32 } from "node:zlib";
import { partitionReader } from "./gpt.ts";
import { partitionedDisk } from "./testing/disk.ts";

const names = ["guest-data", "logs", "größer 数据"].map((name, index) => ({ index, name }));
const bytes = 4 << 20;
const sectors = BigInt(bytes / 512);
const table = [
  'start=64, size=1000, name="guest-data"',
  'start=2048, size=8, name="guest-data-2"',
  'start=4096, size=1, name="größer 数据"',
];

/** Reads a disk's table; what was found of each name. */
function read(disk: Buffer): { sound: boolean; found: (readonly [number, bigint, bigint])[] } {
  const reader = partitionReader(names, (_disk, sector, hpa, length) => {
    const at = Number(sector) * 512;
    if (at + Number(length) > disk.length) return false;
    new Uint8Array(memory.buffer).set(disk.subarray(at, at + Number(length)), Number(hpa));
    return true;
  });
  const sound = reader.find(0, BigInt(disk.length / 512));
  const found = names.map(({ index }) => {
    const { found: times, first, sectors: size } = reader.partitions[index]!;
    return times === 0 ? ([0, 0n, 0n] as const) : ([times, first, size] as const);
  });
  return { sound, found };
}
const whole = {
  sound: true,
  found: [[1, 64n, 1000n] as const, [0, 0n, 0n] as const, [1, 4096n, 1n] as const],
};
const nothing = { sound: false, found: names.map(() => [0, 0n, 0n] as const) };

test("partitions are found by their whole names", (t) => {
  t.deepEqual(read(partitionedDisk(bytes, table)), whole);
});

test("a damaged first table gives way to the one at the disk's end, and two damaged ones find nothing", (t) => {
  const disk = partitionedDisk(bytes, table);
  const last = Number(sectors) - 1;
  const places = [512 + 30, 2 * 512 + 56, 512 + 16, 512];
  for (const at of places) {
    const damaged = Buffer.from(disk);
    damaged[at]! ^= 1;
    t.deepEqual(read(damaged), whole, `byte ${at}`);
    damaged[last * 512 + 88]! ^= 1;
    t.deepEqual(read(damaged), nothing, `byte ${at}, and the copy`);
  }
});

test("a name that is there twice is found twice", (t) => {
  const twice = ['start=64, size=10, name="logs"', 'start=128, size=10, name="logs"'];
  t.is(read(partitionedDisk(bytes, twice)).found[1]![0], 2);
});

test("a table whose checksums are right and whose numbers are not is refused", (t) => {
  const set = (change: (header: Buffer) => void): Buffer => {
    const disk = partitionedDisk(bytes, table);
    disk.fill(0, disk.length - 512);
    const header = disk.subarray(512, 1024);
    change(header);
    header.writeUInt32LE(0, 16);
    header.writeUInt32LE(crc32(header.subarray(0, Math.min(header.readUInt32LE(12), 512))), 16);
    return disk;
  };
  t.true(read(set(() => undefined)).sound);
  t.deepEqual(read(set((h) => h.writeUInt32LE(96, 84))), nothing, "entries that cross sectors");
  t.deepEqual(read(set((h) => h.writeUInt32LE(0xffff_ffff, 80))), nothing, "as many as there are numbers");
  t.deepEqual(read(set((h) => h.writeBigUInt64LE(sectors, 72))), nothing, "entries behind the disk");
  t.deepEqual(read(set((h) => h.writeBigUInt64LE(sectors, 48))), nothing, "usable sectors behind the disk");
  t.deepEqual(read(set((h) => h.writeBigUInt64LE(5n, 24))), nothing, "a header of another place");
  t.deepEqual(read(set((h) => h.writeUInt32LE(2, 12))), nothing, "a header of two bytes");
});

test("a partition that lies outside of what its table calls usable is not there", (t) => {
  const disk = partitionedDisk(bytes, ['start=64, size=1000, name="logs"']);
  disk.fill(0, disk.length - 512);
  const header = disk.subarray(512, 1024);
  header.writeBigUInt64LE(65n, 40);
  header.writeUInt32LE(0, 16);
  header.writeUInt32LE(crc32(header.subarray(0, 92)), 16);
  t.deepEqual(read(disk), { sound: true, found: nothing.found });
});
