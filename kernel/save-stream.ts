/** Bytes of any length to and from a medium that takes whole pages, summed on their way. */
import { u32, u64, u8 } from "../dsl/core/int.ts";
import { addressOf, copyBytes, fillBytes, load64 } from "../dsl/core/intrinsics.ts";
import { array, struct } from "../dsl/core/layout.ts";
import { storage } from "../dsl/core/storage.ts";
import { pageBytes, SaveProblem, type Sum } from "./save-format.ts";

/** Where saves lie. Addresses and lengths are bytes, multiples of 4 KiB. */
export interface SaveMedium {
  /** How many bytes it has; 0 where it is not there. */
  bytes(): u64;
  /** Reads into host memory; false where that failed. */
  read(at: u64, to: u64, bytes: u64): boolean;
  write(at: u64, from: u64, bytes: u64): boolean;
  /** Makes what was written stay; false where that failed. */
  flush(): boolean;
}

/** Bytes of the buffer, which the layout of a guest with 32 vCPUs fits into; what else is longer goes in pieces. */
export const bufferBytes = 0x4_0000;

/** One pass over a part of the medium, forwards. */
export interface SaveStream {
  /** Begins at `at`; nothing is read or written from `end` on, or behind the medium. */
  open(at: u64, end: u64): void;
  /** Appends bytes. */
  put(from: u64, bytes: u64): boolean;
  /** Fills up the page and writes it. */
  finish(): boolean;
  /** Takes bytes; the pages are read as far as the end says. */
  take(to: u64, bytes: u64): boolean;
  /** Passes over bytes, which are summed as if they were taken. */
  skip(bytes: u64): boolean;
  /** Writes and reads whole pages without the buffer. */
  putPages(from: u64, bytes: u64): boolean;
  takePages(to: u64, bytes: u64): boolean;
  /** Starts a new sum. */
  startSum(): void;
  keepSum(sum: Sum): void;
  /** Whether the bytes since `startSum` have this sum. */
  hasSum(sum: Sum): boolean;
  /** What went wrong since `open`: a `SaveProblem`. */
  problem(): u32;
  /** The buffer's address: after `open` and one `skip` of at most `bufferBytes`, those bytes. */
  buffer(): u64;
}

/** Builds the stream over a medium. */
export function saveStream(medium: SaveMedium): SaveStream {
  const Buffer = struct("SaveBuffer", { bytes: array(u8, bufferBytes) }, { align: 4096 });
  const buffer = storage("saveBuffer", Buffer, { align: 4096 });
  const own = storage(
    "saveStream",
    struct("SaveStream", { at: u64, end: u64, words: u64, sums: u64, fill: u32, taken: u32, problem: u32 }),
  );
  const pageMask = u32(pageBytes - 1n);

  const sum = (address: u64, bytes: u64): void => {
    let words = own.words;
    let sums = own.sums;
    for (let done: u64 = 0n; done < bytes; done = u64(done + 8n)) {
      words = u64(words + load64(u64(address + done)));
      sums = u64(sums + words);
    }
    own.words = words;
    own.sums = sums;
  };
  const fail = (problem: u32): boolean => {
    own.problem = problem;
    return false;
  };
  const isInside = (bytes: u64): boolean => bytes <= own.end && own.at <= u64(own.end - bytes);
  const writePages = (from: u64, bytes: u64): boolean => {
    if (!isInside(bytes)) return fail(SaveProblem.mediumTooSmall);
    if (!medium.write(own.at, from, bytes)) return fail(SaveProblem.mediumFailed);
    sum(from, bytes);
    own.at = u64(own.at + bytes);
    return true;
  };
  const readPages = (to: u64, bytes: u64): boolean => {
    // What was saved says where it ends: there is no more.
    if (!isInside(bytes)) return fail(SaveProblem.damaged);
    if (!medium.read(own.at, to, bytes)) return fail(SaveProblem.mediumFailed);
    sum(to, bytes);
    own.at = u64(own.at + bytes);
    return true;
  };
  const flushBuffer = (): boolean => {
    const fill = own.fill;
    if (fill === 0) return true;
    const whole = u32((fill + pageMask) & ~pageMask);
    fillBytes(u64(addressOf(buffer) + BigInt(fill)), 0, BigInt(u32(whole - fill)));
    own.fill = 0;
    return writePages(addressOf(buffer), BigInt(whole));
  };
  /** Reads the next pages, as many as are there and fit. */
  const fillBuffer = (): boolean => {
    const left = u64(own.end - own.at);
    if (left === 0n) return fail(SaveProblem.damaged);
    const bytes = left < BigInt(bufferBytes) ? left : BigInt(bufferBytes);
    own.fill = u32(bytes);
    own.taken = 0;
    return readPages(addressOf(buffer), bytes);
  };
  /** `to` 0: the bytes go nowhere. */
  const move = (to: u64, bytes: u64): boolean => {
    let done: u64 = 0n;
    while (done < bytes) {
      if (own.taken >= own.fill && !fillBuffer()) return false;
      const room = u64(u32(own.fill - own.taken));
      const rest = u64(bytes - done);
      const step = room < rest ? room : rest;
      if (to !== 0n) copyBytes(u64(to + done), u64(addressOf(buffer) + BigInt(own.taken)), step);
      own.taken = u32(own.taken + u32(step));
      done = u64(done + step);
    }
    return true;
  };

  return Object.freeze({
    open(at: u64, end: u64): void {
      const limit = medium.bytes();
      own.at = at < limit ? at : limit;
      own.end = end < limit ? end : limit;
      own.fill = 0;
      own.taken = 0;
      own.problem = SaveProblem.none;
    },
    put(from: u64, bytes: u64): boolean {
      let done: u64 = 0n;
      while (done < bytes) {
        const room = BigInt(bufferBytes - Math.min(own.fill, bufferBytes));
        const rest = u64(bytes - done);
        const step = room < rest ? room : rest;
        copyBytes(u64(addressOf(buffer) + BigInt(own.fill)), u64(from + done), step);
        own.fill = u32(own.fill + u32(step));
        done = u64(done + step);
        if (own.fill >= bufferBytes && !flushBuffer()) return false;
      }
      return true;
    },
    finish: flushBuffer,
    take: move,
    skip: (bytes: u64): boolean => move(0n, bytes),
    putPages: writePages,
    takePages: readPages,
    startSum(): void {
      own.words = 1n;
      own.sums = 0n;
    },
    keepSum(to: Sum): void {
      to.words = own.words;
      to.sums = own.sums;
    },
    hasSum: (of: Sum): boolean => own.words === of.words && own.sums === of.sums,
    problem: (): u32 => own.problem,
    buffer: (): u64 => addressOf(buffer),
  });
}
