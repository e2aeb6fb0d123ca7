/** Saves on a volume: no guest runs while they are written or read, so the disk is waited for. */
import { u64 } from "../dsl/core/int.ts";
import type { BlockStore } from "./block-store.ts";
import { BlockOperation, BlockResult } from "./block.ts";
import type { SaveMedium } from "./save-stream.ts";

/** Bytes that go to the disk in one piece at most; each piece has the disk's whole patience. */
const pieceBytes = 0x40_0000n;
const sectorShift = 9n;
const pageMask = 0xfffn;

/** The medium of an image whose saves lie on one of its volumes. */
export function volumeMedium(blocks: BlockStore, volume: number): SaveMedium {
  const transfer = (operation: BlockOperation, at: u64, memory: u64, bytes: u64): boolean => {
    let done: u64 = 0n;
    while (done < bytes) {
      const rest = u64(bytes - done);
      const step = rest < pieceBytes ? rest : pieceBytes;
      const sector = u64(u64(at + done) >> sectorShift);
      if (blocks.transfer(volume, operation, sector, u64(memory + done), step) !== BlockResult.done)
        return false;
      done = u64(done + step);
    }
    return true;
  };
  return Object.freeze({
    bytes: (): u64 => u64(u64(blocks.sectors(volume) << sectorShift) & ~pageMask),
    read: (at: u64, to: u64, bytes: u64): boolean => transfer(BlockOperation.read, at, to, bytes),
    write: (at: u64, from: u64, bytes: u64): boolean => transfer(BlockOperation.write, at, from, bytes),
    flush: (): boolean => blocks.transfer(volume, BlockOperation.flush, 0n, 0n, 0n) === BlockResult.done,
  });
}
