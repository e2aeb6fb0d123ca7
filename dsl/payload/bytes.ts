/**
 * How what is known of file formats reads a payload: by the builder out of a file, by the loader out of memory, with
 * the same source. An address is what the reader is given as the payload's start, plus an offset.
 */
import type { u16, u32, u64 } from "../core/int.ts";

/** Little-endian loads, unaligned allowed. Who reads beyond a payload's end has a defect: the builder's throw. */
export interface Loads {
  readonly load16: (address: u64) => u16;
  readonly load32: (address: u64) => u32;
  readonly load64: (address: u64) => u64;
}

/** Guest-physical addresses from `start` to below `end` that a payload may be loaded to. */
export interface Room {
  readonly start: u64;
  readonly end: u64;
}
