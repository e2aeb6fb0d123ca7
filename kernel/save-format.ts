/**
 * How saved guests lie on their medium: a page of header for each, in their order; and for each a body, which is the
 * layout as text, the state in the layout's order, and the memory in chunks of runs of pages. All numbers are
 * little-endian; everything begins at a multiple of 4 KiB.
 */
import { u32, u64, u8 } from "../dsl/core/int.ts";
import { array, at, struct, type ValueOf } from "../dsl/core/layout.ts";

/** Bytes of a page, in which everything is counted. */
export const pageBytes = 4096n;
/** "TVSAVED" and a line feed. */
export const saveMagic = 0x0a44_4556_4153_5654n;
/** Changes with this file; what an image keeps is told by the layout's text. */
export const saveVersion = 1;
/** Longest name of a guest with its terminating zero. */
export const nameBytes = 64;

/** Sums over 64-bit words, modulo 2^64: of the words, and of those sums (Fletcher's checksum). */
export const Sum = struct("Sum", { words: u64, sums: u64 });
export type Sum = ValueOf<typeof Sum>;

/** The page that tells of a guest; its place is the guest's, whatever image it is of. */
export const SaveHeader = struct(
  "SaveHeader",
  {
    magic: u64,
    version: u32,
    /** 1: a guest that can go on. 0: none, or one that has gone on since. */
    complete: u32,
    name: array(u8, nameBytes),
    /** Where the body begins: where the image that saved it has it. */
    body: u64,
    layoutBytes: u64,
    stateBytes: u64,
    memoryBytes: u64,
    /** Pages of memory that hold anything but zeros. */
    pages: u64,
    /** Nanoseconds since 1970-01-01 UTC. */
    savedAtNs: u64,
    /** What the counters of the machine and the processor's features were. */
    ticksPerSecond: u64,
    processor: u64,
    layout: Sum,
    state: Sum,
    memory: Sum,
    /** Of all that stands before it. */
    own: at(4080, Sum),
  },
  { size: 4096, align: 4096 },
);
export type SaveHeader = ValueOf<typeof SaveHeader>;

/** Pages that follow one another, counted in the domain's memory as one block. */
export const SavedRun = struct("SavedRun", { first: u32, count: u32 });
/** Runs that a chunk has room for. */
export const runsPerChunk = 510;
/** A page that says which pages follow it. */
export const SavedChunk = struct(
  "SavedChunk",
  { count: u32, last: u32, spare: u64, runs: array(SavedRun, runsPerChunk) },
  { size: 4096, align: 4096 },
);
export type SavedChunk = ValueOf<typeof SavedChunk>;

/** Whole pages that hold some bytes. */
export const pagesOf = (bytes: bigint): bigint => (bytes + pageBytes - 1n) / pageBytes;

/** Bytes that the body of a guest's save takes at most: every second page empty makes the most runs. */
export function mostSavedBytes(layoutBytes: bigint, stateBytes: bigint, memoryBytes: bigint): bigint {
  const pages = pagesOf(memoryBytes);
  const chunks = pages / BigInt(2 * runsPerChunk) + 2n;
  return (pagesOf(layoutBytes) + pagesOf(stateBytes) + pages + chunks) * pageBytes;
}

/** Why a guest is not saved, or not restored. Each has a sentence in `notices.ts`. */
export enum SaveProblem {
  none = 0,
  /** The medium is not there. */
  noMedium = 1,
  mediumTooSmall = 2,
  mediumFailed = 3,
  nothingSaved = 4,
  damaged = 5,
  otherVersion = 6,
  otherGuest = 7,
  otherLayout = 8,
  otherProcessor = 9,
  otherRate = 10,
  notRunning = 11,
  running = 12,
}
