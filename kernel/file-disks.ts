/** Files that were read into memory when the machine started, as disks: what is written to them stays in memory. */
import { u32, u64 } from "../dsl/core/int.ts";
import { copyBytes } from "../dsl/core/intrinsics.ts";
import {
  BlockOperation,
  BlockResult,
  maxPieces,
  partBegun,
  partCompleted,
  type BlockDriver,
  type BlockRequest,
  type BlockRequests,
} from "./block.ts";
import type { BlockDriverMaker } from "./block-store.ts";
import { bootInfo, maxPayloads } from "./boot.ts";

/** Makes the driver of files that are these payloads, in that order. What is behind a file's last whole sector is not seen. */
export function fileDisks(payloads: readonly number[]): BlockDriverMaker {
  const places = Object.freeze(payloads.map((payload) => Math.min(payload, maxPayloads - 1)));
  const count = places.length;
  const sectorsOf = (disk: u32): u64 =>
    disk < count ? u64(bootInfo.payloads[places[disk]].bytes >> 9n) : 0n;
  return (_requests: BlockRequests, firstDisk: number): BlockDriver =>
    Object.freeze({
      disks: count,
      start(): void {
        // Everything is there.
      },
      sectors: sectorsOf,
      discards: (_disk: u32): boolean => false,
      interrupts: (_disk: u32): boolean => true,
      issue(request: BlockRequest): void {
        const disk = u32(request.disk - Math.min(firstDisk, request.disk));
        if (disk >= count) return;
        const operation = request.operation;
        let at = u64(bootInfo.payloads[places[disk]].address + (request.sector << 9n));
        if (operation === BlockOperation.read || operation === BlockOperation.write) {
          const pieces = Math.min(request.pieceCount, maxPieces);
          for (let i = 0; i < pieces; i++) {
            const { hpa, bytes } = request.pieces[i];
            if (operation === BlockOperation.read) copyBytes(hpa, at, bytes);
            else copyBytes(at, hpa, bytes);
            at = u64(at + bytes);
          }
        }
        partBegun(request);
        request.sectors = 0;
        partCompleted(request, BlockResult.done);
      },
      poll(): void {
        // Everything ends where it begins.
      },
      halt(_disk: u32): void {
        // Nothing here works on its own.
      },
    });
}
