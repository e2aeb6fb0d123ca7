/**
 * What devices do with their guest's memory: every access resolved through the domain's slots, bounded, and checked as
 * a whole before anything is written.
 */
import { u32, u64, u8 } from "../dsl/core/int.ts";
import type { FixedArray } from "../dsl/core/layout.ts";
import { addressOf, copyBytes, fence, load8, store8 } from "../dsl/core/intrinsics.ts";
import type { Board, GuestValue } from "../dsl/device/board.ts";
import type { Domain } from "./domain.ts";
import { isWritable, readGuest, resolve, writeGuest, type SlotTable } from "./slots.ts";

/** Pieces on the host that one copy may fall into: what devices copy lies in a few pages. */
const mostPieces = 8;
/** Behind every guest-physical address (APM vol. 2 §5.3). */
const addressEnd = 1n << 52n;

/** The part of the board that reaches memory. */
export type MemoryBoard = Pick<Board, "readMemory" | "writeMemory" | "copyFromMemory" | "copyToMemory">;

/** Whether `bytes` bytes from `gpa` on lie in memory, in few enough pieces; writable memory where that is asked for. */
export function isBacked(table: SlotTable, gpa: u64, bytes: u64, writing: boolean): boolean {
  if (gpa >= addressEnd || bytes >= addressEnd) return false;
  let done: u64 = 0n;
  for (let i = 0; i < mostPieces; i++) {
    if (done >= bytes) return true;
    const place = resolve(table, u64(gpa + done));
    if (place.bytes === 0n || (writing && !isWritable(place.kind))) return false;
    done = u64(done + place.bytes);
  }
  return done >= bytes;
}

/**
 * Gives `take` the stretches of host memory behind guest memory, one after the other; false where not all of it lies in
 * memory (writable, where that is asked for), there are too many, or `take` says no.
 */
export function eachPiece<S>(
  table: SlotTable,
  gpa: u64,
  bytes: u64,
  writing: boolean,
  take: (state: S, hpa: u64, bytes: u64) => boolean,
  state: S,
): boolean {
  if (!isBacked(table, gpa, bytes, writing)) return false;
  let done: u64 = 0n;
  for (let i = 0; i < mostPieces; i++) {
    if (done >= bytes) return true;
    const place = resolve(table, u64(gpa + done));
    const rest = u64(bytes - done);
    const step = place.bytes < rest ? place.bytes : rest;
    if (!take(state, place.hpa, step)) return false;
    done = u64(done + step);
  }
  return done >= bytes;
}

/** Bytes that are copied at once, at most. */
const blockBytes = 512;
/** A block is copied by lengths that are known, so that the longest path is known too. */
const lengths = Object.freeze([512, 256, 128, 64, 32, 16, 8, 4, 2, 1]);

/** Copies up to a block. */
function copyBlock(to: u64, from: u64, bytes: u32): void {
  let at: u64 = 0n;
  for (const length of lengths) {
    if ((bytes & length) !== 0) {
      copyBytes(u64(to + at), u64(from + at), BigInt(length));
      at = u64(at + BigInt(length));
    }
  }
}

/** Copies up to 2,048 bytes within the host's memory, as between a device's buffer and a channel. */
export function copyHost(to: u64, from: u64, bytes: u32): void {
  let done: u32 = 0;
  for (let i = 0; i < 4; i++) {
    const step = u32(Math.min(bytes - Math.min(done, bytes), blockBytes));
    copyBlock(u64(to + BigInt(done)), u64(from + BigInt(done)), step);
    done = u32(done + step);
  }
}

/**
 * Makes copies between guest memory and the host's, at most `most` bytes each; false, and nothing changes, where there
 * are more or not all of them lie in memory.
 */
export function guestCopier(
  most: number,
): (table: SlotTable, gpa: u64, host: u64, bytes: u32, writing: boolean) => boolean {
  const steps = Math.ceil(most / blockBytes) + mostPieces;
  return (table: SlotTable, gpa: u64, host: u64, bytes: u32, writing: boolean): boolean => {
    if (bytes > most || !isBacked(table, gpa, u64(bytes), writing)) return false;
    let done: u32 = 0;
    let hpa: u64 = 0n;
    let left: u64 = 0n;
    for (let i = 0; i < steps; i++) {
      if (done >= bytes) return true;
      if (left === 0n) {
        const place = resolve(table, u64(gpa + BigInt(done)));
        hpa = place.hpa;
        left = place.bytes;
      }
      const rest = Math.min(bytes - done, blockBytes);
      const step = left < BigInt(rest) ? u32(left) : u32(rest);
      const own = u64(host + BigInt(done));
      if (writing) copyBlock(hpa, own, step);
      else copyBlock(own, hpa, step);
      done = u32(done + step);
      hpa = u64(hpa + BigInt(step));
      left = u64(left - BigInt(step));
    }
    return done >= bytes;
  };
}

/** For buffers in devices. */
const copyBuffer = guestCopier(4096);

/** Builds it over the domain whose device runs. */
export function guestMemoryOf(current: () => Domain): MemoryBoard {
  const copy = (gpa: u64, bytes: FixedArray<u8>, at: u32, length: u32, writing: boolean): boolean => {
    if (at > bytes.length || length > bytes.length - at) return false;
    const host = u64(addressOf(bytes) + BigInt(at));
    return copyBuffer(current().slots, gpa, host, length, writing);
  };
  return Object.freeze({
    // The fences order what a guest on another CPU sees: rings are read after their indices, and written before them.
    readMemory(gpa: u64, width: u8): GuestValue {
      fence();
      const slots = current().slots;
      const whole = readGuest(slots, gpa, width);
      if (whole.ok) return whole;
      let value: u64 = 0n;
      for (let i = 0; i < 8; i++) {
        if (i < width) {
          const place = resolve(slots, u64(gpa + BigInt(i)));
          if (place.bytes === 0n) return { ok: false, value: 0n };
          value = u64(value | (BigInt(load8(place.hpa)) << BigInt(8 * i)));
        }
      }
      return { ok: true, value };
    },
    writeMemory(gpa: u64, width: u8, value: u64): boolean {
      fence();
      const slots = current().slots;
      if (writeGuest(slots, gpa, width, value)) return true;
      if (!isBacked(slots, gpa, u64(width), true)) return false;
      for (let i = 0; i < 8; i++) {
        if (i < width) store8(resolve(slots, u64(gpa + BigInt(i))).hpa, u8(value >> BigInt(8 * i)));
      }
      return true;
    },
    copyFromMemory: (gpa: u64, bytes: FixedArray<u8>, at: u32, length: u32): boolean =>
      copy(gpa, bytes, at, length, false),
    copyToMemory: (gpa: u64, bytes: FixedArray<u8>, at: u32, length: u32): boolean =>
      copy(gpa, bytes, at, length, true),
  });
}
