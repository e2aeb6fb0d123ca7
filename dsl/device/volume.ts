/**
 * A volume of the host as state of a device: a disk's partition, or a file in memory, whose sectors of 512 bytes the host
 * moves straight to and from guest memory. A device has `requestsPerVolume` requests, opens one, adds the stretches of
 * guest memory that it concerns, and submits it. What becomes of it arrives later, as a byte of a source.
 */
import { u16, type u32, type u64, type u8 } from "../core/int.ts";
import { extend, struct, type ValueOf } from "../core/layout.ts";
import { board } from "./board.ts";

/** What is asked of a disk. */
export enum BlockOperation {
  read = 0,
  write = 1,
  /** What was written before is safe when this is finished. */
  flush = 2,
  /** The sectors' content is not needed any more. */
  discard = 3,
}

/** What became of a request. */
export enum BlockResult {
  done = 0,
  /** The disk reports an error, or may not be written. */
  failed = 1,
  /** The disk does not know the operation. */
  unsupported = 2,
  /** Sectors or memory that are not there. */
  outside = 3,
  /** There is no disk, or it has stopped answering. */
  absent = 4,
}

/** Requests that one volume may have under way. */
export const requestsPerVolume = 8;
/** Stretches of host memory of one request; each stretch of guest memory may fall into several. */
export const maxPieces = 40;
/** Most sectors of one discard. */
export const maxDiscardSectors = 64 * 65_535;

/** A completion as a byte: the request's number in [2:0], `BlockResult` in [7:3]. */
export function completionByte(slot: u32, result: u32): u8 {
  return (slot & 7) | ((result & 31) << 3);
}

const Layout = struct("Volume", { wire: u16 });
type Fields = ValueOf<typeof Layout>;
export const Volume = extend(Layout, {
  methods: {
    /** Opens a request that is not under way; false where there is no such. */
    open: (self: Fields, slot: u8): boolean => board.openRequest(self.wire, slot),
    /** Adds guest memory to an open request; false where it is not memory, not writable and to be written, or too much. */
    add: (self: Fields, slot: u8, gpa: u64, bytes: u32, writing: boolean): boolean =>
      board.addToRequest(self.wire, slot, gpa, bytes, writing),
    /** Begins an open request. Sectors that the volume has not make it fail. */
    submit: (self: Fields, slot: u8, operation: u8, sector: u64, sectors: u32): void =>
      board.submitRequest(self.wire, slot, operation, sector, sectors),
  },
  properties: {
    sectors: { get: (self: Fields): u64 => board.volumeSectors(self.wire) },
  },
});
/** A volume: `sectors` (0 where it is missing), `open`, `add`, `submit`. */
export type Volume = ValueOf<typeof Volume>;
/** Declares the end of a volume. */
export function volume(): typeof Volume {
  return Volume;
}
