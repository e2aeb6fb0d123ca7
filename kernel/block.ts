/**
 * Block devices as the kernel uses them: a request names sectors of a disk and stretches of host memory, a driver moves
 * the bytes between them, and nothing waits. A request belongs to whoever fills it until `submit`, to the driver until
 * it is finished, and to its filler again. Sectors have 512 bytes. Requests are static: a volume has `requestsPerVolume`.
 */
import { array, struct, type FixedArray, type ValueOf } from "../dsl/core/layout.ts";
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { BlockResult, maxPieces } from "../dsl/device/volume.ts";

export {
  BlockOperation,
  BlockResult,
  maxDiscardSectors,
  maxPieces,
  requestsPerVolume,
} from "../dsl/device/volume.ts";

/** Whose a request is. */
export enum RequestState {
  /** Its filler's. */
  free = 0,
  /** The driver's. */
  active = 1,
  /** Done, and not yet told. */
  finished = 2,
}

/** A stretch of host-physical memory. */
export const BlockPiece = struct("BlockPiece", { hpa: u64, bytes: u64 });
export type BlockPiece = ValueOf<typeof BlockPiece>;

/** One request. */
export const BlockRequest = struct("BlockRequest", {
  /** `RequestState`. */
  state: u8,
  /** `BlockOperation`. */
  operation: u8,
  /** `BlockResult`; the first that is not `done` stays. */
  result: u8,
  /** Parts of it that the disk has and has not completed. */
  pending: u8,
  /** Its place among all requests. */
  index: u16,
  pieceCount: u16,
  /** Where the driver goes on: a piece, and bytes of it that have begun. */
  piece: u16,
  disk: u16,
  /** Sectors from the next one on that have not begun. */
  sectors: u32,
  /** The next sector of the disk. */
  sector: u64,
  begun: u64,
  /** When it is given up, in ticks. */
  deadline: u64,
  pieces: array(BlockPiece, maxPieces),
});
export type BlockRequest = ValueOf<typeof BlockRequest>;

/** All requests of an image. */
export type BlockRequests = FixedArray<BlockRequest>;

/** A driver of disks of one kind; a platform makes one over the image's requests. Disks have numbers from 0 on. */
export interface BlockDriver {
  /** Most disks that it drives. */
  readonly disks: number;
  /** Finds its disks; called once, with interrupts off. */
  start(): void;
  /** Size of a disk; 0 where there is none. */
  sectors(disk: u32): u64;
  /** Whether a disk takes discards. */
  discards(disk: u32): boolean;
  /** Whether a disk interrupts when it has completed something; otherwise it is looked at now and then. */
  interrupts(disk: u32): boolean;
  /** Begins as much of an active request as the disk takes now; called again until nothing is left. Sectors lie on the disk, memory is there. */
  issue(request: BlockRequest): void;
  /** Takes note of what disks have completed. Bounded. */
  poll(): void;
  /** Makes a disk leave memory alone for good. Its requests come to nothing, and it has no sectors any more. */
  halt(disk: u32): void;
}

/** Whether all of a request has begun. */
export function isIssued(request: BlockRequest): boolean {
  return request.sectors === 0;
}

/** Notes that a part has begun. */
export function partBegun(request: BlockRequest): void {
  request.pending = u8(request.pending + 1);
}

/** Notes that a part of a request is completed, and finishes the request with the last one. */
export function partCompleted(request: BlockRequest, result: u32): void {
  if (request.state !== RequestState.active) return;
  if (request.pending > 0) request.pending = u8(request.pending - 1);
  if (result !== BlockResult.done) {
    if (request.result === BlockResult.done) request.result = u8(result);
    request.sectors = 0;
  }
  if (request.pending === 0 && request.sectors === 0) request.state = RequestState.finished;
}

/** Ends a request of which nothing is under way any more. */
export function endRequest(request: BlockRequest, result: u32): void {
  request.pending = 0;
  request.sectors = 0;
  if (request.result === BlockResult.done) request.result = u8(result);
  request.state = RequestState.finished;
}

/** Appends a stretch of memory; false where there is no room for it. Neighbours become one. */
export function addPiece(request: BlockRequest, hpa: u64, bytes: u64): boolean {
  const count = request.pieceCount;
  if (bytes === 0n) return true;
  if (count > 0 && count <= maxPieces) {
    const last = request.pieces[count - 1];
    if (u64(last.hpa + last.bytes) === hpa) {
      last.bytes = u64(last.bytes + bytes);
      return true;
    }
  }
  if (count >= maxPieces) return false;
  const piece = request.pieces[count];
  piece.hpa = hpa;
  piece.bytes = bytes;
  request.pieceCount = u16(count + 1);
  return true;
}

/** Bytes that a request has memory for. */
export function pieceBytes(request: BlockRequest): u64 {
  let bytes: u64 = 0n;
  const count = Math.min(request.pieceCount, maxPieces);
  for (let i = 0; i < count; i++) bytes = u64(bytes + request.pieces[i].bytes);
  return bytes;
}
