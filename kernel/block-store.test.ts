import test from "ava";
import { addressOf } from "../dsl/core/intrinsics.ts";
import { u8 } from "../dsl/core/int.ts";
import { array } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import { addPiece, BlockOperation, BlockResult, maxDiscardSectors, requestsPerVolume } from "./block.ts";
import { blockStore } from "./block-store.ts";
import { bootInfo } from "./boot.ts";
import { partitionedDisk, testDriver } from "./testing/disk.ts";
import { modelMachine, said } from "./testing/machine.ts";

const buffer = storage("testBuffer", array(u8, 4096), { align: 4096 });
const at = addressOf(buffer);
const table = ['start=64, size=100, name="data"', 'start=256, size=16, name="fixed"'];

function scene(
  options: { discards?: boolean; partitions?: readonly string[]; second?: readonly string[] } = {},
) {
  const machine = modelMachine();
  const disk = partitionedDisk(1 << 20, options.partitions ?? table);
  const disks = options.second === undefined ? [disk] : [disk, partitionedDisk(1 << 20, options.second)];
  const driver = testDriver(disks, options.discards);
  const store = blockStore(
    [
      { kind: "partition", name: "data", readOnly: false },
      { kind: "partition", name: "fixed", readOnly: true },
    ],
    [driver.make],
  );
  store.start();
  driver.asked.length = 0;
  const finished: string[] = [];
  const poll = (): string[] => {
    finished.length = 0;
    store.poll((volume, slot, result) => finished.push(`${volume}.${slot} ${BlockResult[result]}`));
    return [...finished];
  };
  const submit = (
    volume: number,
    slot: number,
    operation: BlockOperation,
    sector: bigint,
    sectors = 0,
    bytes = 0n,
  ) => {
    const request = store.open(volume, slot);
    if (request === null) return false;
    addPiece(request, at, bytes);
    store.submit(volume, request, operation, sector, sectors);
    return true;
  };
  return { machine, disk, driver, store, poll, submit };
}

test("a volume's sectors are those of its partition, and what waits for them gets the bytes", (t) => {
  const { disk, driver, store } = scene();
  t.is(store.sectors(0), 100n);
  disk.write("hello", 64 * 512);
  t.is(store.transfer(0, BlockOperation.read, 0n, at, 512n), BlockResult.done);
  t.is(String.fromCharCode(...Array.from({ length: 5 }, (_, i) => buffer[i]!)), "hello");
  buffer[0] = 0x6a;
  t.is(store.transfer(0, BlockOperation.write, 99n, at, 512n), BlockResult.done);
  t.is(disk.toString("latin1", (64 + 99) * 512, (64 + 99) * 512 + 5), "jello");
  t.is(store.transfer(0, BlockOperation.flush, 0n, at, 0n), BlockResult.done);
  t.deepEqual(driver.asked, ["read 64 1 of 0", "write 163 1 of 0", "flush 64 1 of 0"]);
});

test("nobody reaches sectors beyond a volume, or memory that does not fit them", (t) => {
  const { driver, store, poll, submit } = scene();
  t.is(store.transfer(0, BlockOperation.read, 99n, at, 1024n), BlockResult.outside);
  t.is(store.transfer(0, BlockOperation.read, 0xffff_ffff_ffff_ffffn, at, 512n), BlockResult.outside);
  t.is(store.transfer(0, BlockOperation.read, 0n, at, 100n), BlockResult.outside);
  submit(0, 0, BlockOperation.write, 100n, 1, 512n);
  submit(0, 1, BlockOperation.read, 0n, 2, 512n);
  submit(0, 2, BlockOperation.discard, 0n, 101);
  t.deepEqual(poll(), ["0.0 outside", "0.1 outside", "0.2 outside"]);
  t.deepEqual(driver.asked, []);
});

test("a read-only volume takes neither writes nor discards", (t) => {
  const { driver, poll, submit } = scene();
  submit(1, 0, BlockOperation.write, 0n, 1, 512n);
  submit(1, 1, BlockOperation.discard, 0n, 1);
  submit(1, 2, BlockOperation.read, 0n, 1, 512n);
  t.deepEqual(poll(), ["1.0 failed", "1.1 failed", "1.2 done"]);
  t.deepEqual(driver.asked, ["read 256 1 of 0"]);
});

test("a request is its volume's again when it was told, once", (t) => {
  const { driver, store, poll, submit } = scene();
  driver.immediate = false;
  for (let slot = 0; slot < requestsPerVolume; slot++)
    t.true(submit(0, slot, BlockOperation.read, 0n, 1, 512n));
  t.false(submit(0, 3, BlockOperation.read, 0n, 1, 512n));
  t.is(store.open(0, requestsPerVolume), null);
  t.is(store.open(2, 0), null);
  t.deepEqual(poll(), []);
  t.true(store.busy());
  driver.complete();
  t.is(poll().length, requestsPerVolume);
  t.deepEqual(poll(), []);
  t.false(store.busy());
  t.true(submit(0, 3, BlockOperation.read, 0n, 1, 512n));
});

test("what a disk answers with reaches the one who asked", (t) => {
  const { driver, store, poll, submit } = scene();
  driver.result = BlockResult.failed;
  submit(0, 0, BlockOperation.read, 0n, 1, 512n);
  t.deepEqual(poll(), ["0.0 failed"]);
  driver.result = BlockResult.failed;
  t.is(store.transfer(0, BlockOperation.read, 0n, at, 512n), BlockResult.failed);
});

test("discards are bounded, and unsupported where the disk has none", (t) => {
  const one = scene();
  one.submit(0, 0, BlockOperation.discard, 4n, 8);
  one.submit(0, 1, BlockOperation.discard, 0n, maxDiscardSectors + 1);
  t.deepEqual(one.poll(), ["0.0 done", "0.1 outside"]);
  t.deepEqual(one.driver.asked, ["discard 68 8 of 0"]);
  const other = scene({ discards: false });
  t.false(other.store.discards(0));
  other.submit(0, 0, BlockOperation.discard, 4n, 8);
  t.deepEqual(other.poll(), ["0.0 unsupported"]);
});

test("draining waits for the disk and tells nobody", (t) => {
  const { driver, store, poll, submit } = scene();
  submit(0, 0, BlockOperation.read, 0n, 1, 512n);
  store.drain(0);
  t.false(store.busy());
  t.deepEqual(poll(), []);
  t.deepEqual(driver.halted, []);
});

test("a disk that does not answer is told to leave memory alone, and its requests come to nothing", (t) => {
  const { machine, driver, store, poll, submit } = scene();
  driver.immediate = false;
  submit(0, 0, BlockOperation.read, 0n, 1, 512n);
  submit(0, 1, BlockOperation.flush, 0n);
  machine.ticks = 31_000_000_000n;
  t.deepEqual(poll(), []);
  machine.ticks = 33_000_000_000n;
  t.deepEqual(poll(), ["0.0 absent", "0.1 absent"]);
  t.deepEqual(driver.halted, [0]);
  t.regex(said(machine), /typevisor: a disk does not answer, and is not used any more/);
  submit(0, 2, BlockOperation.read, 0n, 1, 512n);
  t.deepEqual(poll(), ["0.2 absent"]);
  t.is(store.transfer(0, BlockOperation.read, 0n, at, 512n), BlockResult.absent);
});

test("partitions are looked for on all disks; missing and ambiguous ones are told and have no sectors", (t) => {
  const fixed = 'start=70, size=7, name="fixed"';
  const apart = scene({ partitions: [table[0]!], second: [fixed] });
  t.deepEqual([apart.store.sectors(0), apart.store.sectors(1)], [100n, 7n]);
  apart.submit(1, 0, BlockOperation.read, 1n, 1, 512n);
  apart.submit(0, 0, BlockOperation.read, 1n, 1, 512n);
  t.deepEqual(apart.poll(), ["0.0 done", "1.0 done"]);
  t.deepEqual(apart.driver.asked, ["read 65 1 of 0", "read 71 1 of 1"]);
  t.is(said(apart.machine), "");
  const twice = scene({ second: [fixed] });
  t.is(twice.store.sectors(1), 0n);
  t.regex(said(twice.machine), /partition fixed is there 2 times, and none of them is used/);
  const missing = scene({ partitions: [table[0]!] });
  t.is(missing.store.sectors(1), 0n);
  t.regex(said(missing.machine), /partition fixed is on no disk of this machine/);
  missing.submit(1, 0, BlockOperation.read, 0n, 1, 512n);
  t.deepEqual(missing.poll(), ["1.0 absent"]);
});

test("a file is a disk whose sectors are its payload's, and takes no discards", (t) => {
  modelMachine();
  const content = storage("testFile", array(u8, 2048));
  content[513] = 7;
  bootInfo.payloads[3]!.address = addressOf(content);
  bootInfo.payloads[3]!.bytes = 2047n;
  const store = blockStore(
    [
      { kind: "file", name: "other", payload: 2, readOnly: false },
      { kind: "file", name: "file", payload: 3, readOnly: false },
    ],
    [],
  );
  store.start();
  t.deepEqual([store.sectors(0), store.sectors(1)], [0n, 3n]);
  t.is(store.transfer(1, BlockOperation.read, 1n, at, 512n), BlockResult.done);
  t.is(buffer[1], 7);
  buffer[1] = 9;
  t.is(store.transfer(1, BlockOperation.write, 2n, at, 512n), BlockResult.done);
  t.is(content[1025], 9);
  t.is(store.transfer(1, BlockOperation.flush, 0n, at, 0n), BlockResult.done);
  t.is(store.transfer(1, BlockOperation.read, 3n, at, 512n), BlockResult.outside);
  t.is(store.transfer(0, BlockOperation.read, 0n, at, 512n), BlockResult.absent);
  t.false(store.discards(1));
});

test("neighbouring stretches of memory become one, and there is an end to them", (t) => {
  const { store } = scene();
  const request = store.open(0, 0)!;
  t.true(addPiece(request, 0x1000n, 512n));
  t.true(addPiece(request, 0x1200n, 512n));
  t.is(request.pieceCount, 1);
  t.is(request.pieces[0]!.bytes, 1024n);
  let added = 1;
  while (addPiece(request, BigInt(0x10_0000 * (added + 1)), 512n)) added++;
  t.is(added, 40);
});
