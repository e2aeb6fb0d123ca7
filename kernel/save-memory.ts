/** A domain's own memory in a save: the pages that hold anything but zeros, in chunks of runs. */
import { u32, u64 } from "../dsl/core/int.ts";
import { addressOf, fillBytes, load64 } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";
import type { Domain } from "./domain.ts";
import { pageBytes, runsPerChunk, SavedChunk, SaveProblem, type SaveHeader } from "./save-format.ts";
import type { SaveStream } from "./save-stream.ts";
import { clearPiece, findExtent, ownBytes } from "./slots.ts";

/** Pages of one run at most. */
const mostPages = 0x400;

export interface SavedMemory {
  /** Writes the memory, and its pages' number into the header; false where the stream has a problem. */
  put(domain: Domain): boolean;
  /** Clears the memory and reads it; a `SaveProblem`. */
  take(domain: Domain): u32;
}

/** Builds the memory's part of saves on a stream. */
export function savedMemory(stream: SaveStream, header: SaveHeader): SavedMemory {
  const chunk = storage("saveChunk", SavedChunk, { align: 4096 });

  const isZero = (address: u64): boolean => {
    for (let i = 0; i < 512; i++) if (load64(u64(address + BigInt(i) * 8n)) !== 0n) return false;
    return true;
  };
  const putChunk = (domain: Domain): boolean => {
    if (!stream.putPages(addressOf(chunk), pageBytes)) return false;
    const count = Math.min(chunk.count, runsPerChunk);
    for (let i = 0; i < count; i++) {
      const run = chunk.runs[i];
      const from = findExtent(domain.slots, u64(BigInt(run.first) * pageBytes));
      if (!stream.putPages(from.hpa, u64(BigInt(run.count) * pageBytes))) return false;
    }
    chunk.count = 0;
    return true;
  };
  /** Appends a page to the chunk's last run, or begins one; `joins` where it follows the page before it on the host. */
  const addPage = (domain: Domain, page: u32, joins: boolean): boolean => {
    const count = chunk.count;
    if (joins && count > 0 && count <= runsPerChunk) {
      const run = chunk.runs[count - 1];
      if (u32(run.first + run.count) === page && run.count < mostPages) {
        run.count = u32(run.count + 1);
        return true;
      }
    }
    if (count >= runsPerChunk && !putChunk(domain)) return false;
    const run = chunk.runs[Math.min(chunk.count, runsPerChunk - 1)];
    run.first = page;
    run.count = 1;
    chunk.count = u32(chunk.count + 1);
    return true;
  };
  const put = (domain: Domain): boolean => {
    const pages = u64(ownBytes(domain.slots) / pageBytes);
    fillBytes(addressOf(chunk), 0, pageBytes);
    let before: u64 = 0n;
    let kept: u64 = 0n;
    for (let page: u64 = 0n; page < pages; page = u64(page + 1n)) {
      const { hpa, bytes } = findExtent(domain.slots, u64(page * pageBytes));
      if (bytes !== 0n && !isZero(hpa)) {
        if (!addPage(domain, u32(page), u64(before + pageBytes) === hpa)) return false;
        kept = u64(kept + 1n);
      }
      before = bytes === 0n ? 0n : hpa;
    }
    header.pages = kept;
    chunk.last = 1;
    return putChunk(domain);
  };
  /** Reads a run into the domain's memory, which may lie in other pieces than when it was saved. */
  const takeRun = (domain: Domain, first: u32, count: u32): boolean => {
    let at = u64(BigInt(first) * pageBytes);
    let left = u64(BigInt(count) * pageBytes);
    while (left !== 0n) {
      const to = findExtent(domain.slots, at);
      if (to.bytes < pageBytes) return false;
      const step = to.bytes < left ? to.bytes : left;
      if (!stream.takePages(to.hpa, step)) return false;
      at = u64(at + step);
      left = u64(left - step);
    }
    return true;
  };
  const take = (domain: Domain): u32 => {
    const pages = u64(ownBytes(domain.slots) / pageBytes);
    let taken: u64 = 0n;
    const bytes = ownBytes(domain.slots);
    for (let cleared: u64 = 0n; cleared < bytes;) {
      const step = clearPiece(domain.slots, cleared, bytes);
      if (step === 0n) break;
      cleared = u64(cleared + step);
    }
    for (;;) {
      if (!stream.takePages(addressOf(chunk), pageBytes)) return stream.problem();
      const count = chunk.count;
      if (count > runsPerChunk) return SaveProblem.damaged;
      for (let i = 0; i < runsPerChunk; i++) {
        if (i >= count) break;
        const run = chunk.runs[i];
        const length = BigInt(run.count);
        if (u64(BigInt(run.first) + length) > pages) return SaveProblem.damaged;
        taken = u64(taken + length);
        // What is damaged may say that a page comes twice, but not for ever.
        if (taken > header.pages) return SaveProblem.damaged;
        if (!takeRun(domain, run.first, run.count))
          return stream.problem() === SaveProblem.none ? SaveProblem.damaged : stream.problem();
      }
      if (chunk.last !== 0) return SaveProblem.none;
      if (count === 0) return SaveProblem.damaged;
    }
  };

  return Object.freeze({ put, take });
}
