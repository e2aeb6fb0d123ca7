/** Disks for tests: bytes with a partition table that sfdisk wrote, and a driver that completes when the test says so. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { u16 } from "../../dsl/core/int.ts";
import { memory } from "../../dsl/core/memory.ts";
import {
  BlockOperation,
  BlockResult,
  partBegun,
  partCompleted,
  type BlockRequest,
  type BlockRequests,
} from "../block.ts";
import type { BlockDriverMaker } from "../block-store.ts";

/** One line of sfdisk's script for each partition. */
export function partitionedDisk(bytes: number, partitions: readonly string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-disk-"));
  const file = join(folder, "disk");
  try {
    writeFileSync(file, "");
    truncateSync(file, bytes);
    const script = ["label: gpt", "unit: sectors", "first-lba: 64", ...partitions, ""].join("\n");
    execFileSync("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", file], { input: script });
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A driver whose disks are buffers. */
export interface TestDriver {
  readonly make: BlockDriverMaker;
  /** What each request asked, as text. */
  readonly asked: string[];
  /** Whether requests are completed as they are issued; otherwise with `complete`. */
  immediate: boolean;
  /** What the next request ends with. */
  result: BlockResult;
  readonly halted: number[];
  /** Completes what is under way. */
  complete(): void;
}

/** Makes a driver of these disks. */
export function testDriver(disks: readonly Buffer[], discards = true): TestDriver {
  let under: BlockRequest[] = [];
  let first = 0;
  const gone = new Set<number>();
  const perform = (request: BlockRequest): void => {
    const disk = disks[request.disk - first]!;
    const { result } = driver;
    driver.result = BlockResult.done;
    let at = Number(request.sector) * 512;
    for (let i = 0; i < request.pieceCount && result === BlockResult.done; i++) {
      const { hpa, bytes } = request.pieces[i]!;
      const own = new Uint8Array(memory.buffer, Number(hpa), Number(bytes));
      if (request.operation === BlockOperation.read) own.set(disk.subarray(at, at + Number(bytes)));
      if (request.operation === BlockOperation.write) disk.set(own, at);
      at += Number(bytes);
    }
    partCompleted(request, result);
  };
  const driver: TestDriver = {
    asked: [],
    immediate: true,
    result: BlockResult.done,
    halted: [],
    complete() {
      const list = under;
      under = [];
      list.forEach(perform);
    },
    make: (_requests: BlockRequests, firstDisk: number) => {
      first = firstDisk;
      return {
        disks: disks.length,
        start: () => undefined,
        sectors: (disk) => (gone.has(disk) ? 0n : BigInt(disks[disk]!.length / 512)),
        discards: () => discards,
        interrupts: () => false,
        issue(request) {
          driver.asked.push(
            `${BlockOperation[request.operation]} ${request.sector} ${request.sectors} of ${request.disk}`,
          );
          request.sectors = 0;
          request.piece = u16(request.pieceCount);
          partBegun(request);
          if (driver.immediate) perform(request);
          else under.push(request);
        },
        poll: () => undefined,
        halt(disk) {
          driver.halted.push(disk);
          gone.add(disk);
          under = under.filter((r) => r.disk - first !== disk);
        },
      };
    },
  };
  return driver;
}
