/**
 * Saving and restoring of guests: what a guest is, but for its declaration, goes to a medium and comes back, in this run
 * or after a restart of the machine. Only a guest that does not run is touched, and nothing of it before what was saved
 * is known to be whole and to fit this image.
 */
import { u32, u64 } from "../dsl/core/int.ts";
import { addressOf, copyBytes, fillBytes, load64, load8, text } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";
import type { Domain } from "./domain.ts";
import { machine } from "./machine.ts";
import type { SavedPart } from "./saved-part.ts";
import { tellDifference } from "./line-difference.ts";
import { savedMemory } from "./save-memory.ts";
import {
  mostSavedBytes,
  nameBytes,
  pageBytes,
  saveMagic,
  SaveHeader,
  SaveProblem,
  saveVersion,
  Sum,
} from "./save-format.ts";
import { bufferBytes, saveStream, type SaveMedium } from "./save-stream.ts";
import { maxExtents } from "./slots.ts";
import { convert, Scale, setScale, wallClockNs } from "./timebase.ts";
import { virtualization } from "./virtualization.ts";

/** A guest, as a save sees it. */
export interface SavedGuest {
  readonly index: number;
  readonly name: string;
  readonly memoryBytes: bigint;
  readonly parts: readonly SavedPart[];
}

export interface Saves {
  /** Saves a domain whose vCPUs and devices rest and whose clock is held; a `SaveProblem`. */
  save(domain: Domain): u32;
  /** Puts a domain's memory and parts back as they were saved, and marks that save as used; a `SaveProblem`. */
  restore(domain: Domain): u32;
  /** Makes sure that the domain's save, if there is one, is never restored; a `SaveProblem`. */
  discard(domain: Domain): u32;
  /** Whether a save of the domain is there. */
  isSaved(domain: Domain): boolean;
  /** Seconds between the domain's save, which was restored last, and now; 0 where the clock went backwards. */
  awaySeconds(domain: Domain): u64;
  /** MiB of memory, rounded up, that the save read or written last holds. */
  keptMiB(): u64;
  /** Tells the operator how the layout read last differs from this image's. */
  tellDifferences(domain: Domain): void;
}

/** A counter's rate may differ by this part of it, as a shift: 1.6 %. */
const rateShift = 6n;

/** The layout of a guest as text: a line for its memory, and one for each scalar of its parts. */
export function layoutText(guest: SavedGuest): string {
  const lines = [`memory ${guest.memoryBytes} bytes`, ...guest.parts.flatMap((p) => p.layout)];
  return `${lines.join("\n")}\n`;
}

/** Builds the saves of an image's guests over a medium. Throws RangeError for a layout too long to be compared. */
export function guestSaves(guests: readonly SavedGuest[], medium: SaveMedium): Saves {
  let next = BigInt(guests.length) * pageBytes;
  const places = Object.freeze(
    guests.map((guest) => {
      const layout = layoutText(guest);
      if (layout.length > bufferBytes)
        throw new RangeError(
          `guest ${guest.name} has ${layout.length} bytes of layout, and ${bufferBytes} is the limit`,
        );
      if (guest.name.length >= nameBytes)
        throw new RangeError(`the name of guest ${guest.name} is longer than ${nameBytes - 1} bytes`);
      const stateBytes = guest.parts.reduce((sum, p) => sum + p.bytes, 0n);
      const body = next;
      // A domain's overlay pages lie behind its memory.
      const backed = guest.memoryBytes + BigInt(maxExtents) * pageBytes;
      next += mostSavedBytes(BigInt(layout.length), stateBytes, backed);
      return Object.freeze({ ...guest, layout, layoutBytes: layout.length, stateBytes, body, end: next });
    }),
  );
  const header = storage("saveHeader", SaveHeader, { align: 4096 });
  const ownSum = storage("saveOwnSum", Sum);
  const toSeconds = storage("saveSeconds", Scale);
  const stream = saveStream(medium);
  const memoryOf = savedMemory(stream, header);
  const ownOffset = SaveHeader.fields.find((f) => f.name === "own")!.offset;
  const headerBytes = BigInt(ownOffset);

  const stateBytesOf = (domain: Domain): u64 => {
    for (const g of places) if (domain.index === g.index) return g.stateBytes;
    return 0n;
  };
  /** Where this image puts a domain's body. */
  const place = (domain: Domain): { readonly body: u64; readonly end: u64 } => {
    for (const g of places) if (domain.index === g.index) return { body: g.body, end: g.end };
    return { body: 0n, end: 0n };
  };
  const headerAt = (domain: Domain): u64 => u64(BigInt(domain.index) * pageBytes);

  // ---- The header -------------------------------------------------------------------------------------------

  const sumHeader = (sum: Sum): void => {
    let words: u64 = 1n;
    let sums: u64 = 0n;
    for (let at: u64 = 0n; at < headerBytes; at = u64(at + 8n)) {
      words = u64(words + load64(u64(addressOf(header) + at)));
      sums = u64(sums + words);
    }
    sum.words = words;
    sum.sums = sums;
  };
  const writeHeader = (at: u64): boolean => {
    sumHeader(header.own);
    return medium.write(at, addressOf(header), pageBytes) && medium.flush();
  };
  /** Reads a header and says whether a guest lies there that can go on. */
  const readHeader = (at: u64): u32 => {
    if (medium.bytes() === 0n) return SaveProblem.noMedium;
    if (medium.bytes() < u64(at + pageBytes)) return SaveProblem.mediumTooSmall;
    if (!medium.read(at, addressOf(header), pageBytes)) return SaveProblem.mediumFailed;
    if (header.magic !== saveMagic) return SaveProblem.nothingSaved;
    sumHeader(ownSum);
    if (ownSum.words !== header.own.words || ownSum.sums !== header.own.sums) return SaveProblem.damaged;
    if (header.version !== saveVersion) return SaveProblem.otherVersion;
    return header.complete === 1 ? SaveProblem.none : SaveProblem.nothingSaved;
  };
  const isNamed = (address: u64, length: u32): boolean => {
    for (let i = 0; i < nameBytes; i++) {
      const byte = i < length ? load8(u64(address + BigInt(i))) : 0;
      if (header.name[i] !== byte) return false;
    }
    return true;
  };

  // ---- Layout and state -------------------------------------------------------------------------------------

  const putState = (domain: Domain): boolean => {
    for (const g of places) {
      if (domain.index === g.index)
        for (const p of g.parts) if (!stream.put(u64(addressOf(p.value) + p.offset), p.bytes)) return false;
    }
    return stream.finish();
  };
  const takeState = (domain: Domain): boolean => {
    for (const g of places) {
      if (domain.index === g.index)
        for (const p of g.parts) if (!stream.take(u64(addressOf(p.value) + p.offset), p.bytes)) return false;
    }
    return true;
  };
  const putLayout = (domain: Domain): boolean => {
    for (const g of places) {
      if (domain.index === g.index) {
        const own = text(g.layout);
        if (!stream.put(own.address, BigInt(own.length))) return false;
      }
    }
    return stream.finish();
  };
  /** Whether the layout in the stream's buffer is the domain's. */
  const isLayout = (domain: Domain): boolean => {
    for (const g of places) {
      if (domain.index === g.index) {
        const own = text(g.layout);
        if (header.layoutBytes !== BigInt(own.length)) return false;
        for (let i = 0; i < own.length; i++)
          if (load8(u64(own.address + BigInt(i))) !== load8(u64(stream.buffer() + BigInt(i)))) return false;
      }
    }
    return true;
  };

  // ---- The whole --------------------------------------------------------------------------------------------

  const fillHeader = (domain: Domain): void => {
    fillBytes(addressOf(header), 0, pageBytes);
    header.magic = saveMagic;
    header.version = saveVersion;
    for (const g of places) {
      if (domain.index === g.index) {
        const name = text(g.name);
        copyBytes(addressOf(header.name), name.address, BigInt(name.length));
        header.layoutBytes = BigInt(g.layoutBytes);
        header.stateBytes = g.stateBytes;
      }
    }
    header.memoryBytes = domain.slots.backedBytes;
    header.savedAtNs = wallClockNs(domain.time);
    header.ticksPerSecond = machine.ticksPerSecond();
    header.processor = virtualization.identity();
  };
  /** Whether what a domain's header tells of fits this image and this machine, and is whole but for the memory. */
  const examine = (domain: Domain): u32 => {
    const found = readHeader(headerAt(domain));
    if (found !== SaveProblem.none) return found;
    for (const g of places) {
      const name = text(g.name);
      if (domain.index === g.index && !isNamed(name.address, name.length)) return SaveProblem.otherGuest;
    }
    if (header.layoutBytes > BigInt(bufferBytes)) return SaveProblem.damaged;
    const state = u64(header.body + roundUp(header.layoutBytes));
    stream.open(header.body, state);
    stream.startSum();
    if (!stream.skip(header.layoutBytes)) return stream.problem();
    if (!stream.hasSum(header.layout)) return SaveProblem.damaged;
    if (!isLayout(domain)) return SaveProblem.otherLayout;
    if (header.memoryBytes !== domain.slots.backedBytes || header.stateBytes !== stateBytesOf(domain))
      return SaveProblem.damaged;
    if (header.processor !== virtualization.identity()) return SaveProblem.otherProcessor;
    const here = machine.ticksPerSecond();
    const there = header.ticksPerSecond;
    const apart = here > there ? u64(here - there) : u64(there - here);
    if (apart > here >> rateShift) return SaveProblem.otherRate;
    stream.open(state, u64(state + roundUp(header.stateBytes)));
    stream.startSum();
    if (!stream.skip(header.stateBytes)) return stream.problem();
    return stream.hasSum(header.state) ? SaveProblem.none : SaveProblem.damaged;
  };
  /** Writes a header that tells of no save, over whatever was there. */
  const clear = (domain: Domain): u32 => {
    const bytes = medium.bytes();
    const at = headerAt(domain);
    if (bytes === 0n) return SaveProblem.noMedium;
    if (bytes < u64(at + pageBytes)) return SaveProblem.mediumTooSmall;
    fillHeader(domain);
    return writeHeader(at) ? SaveProblem.none : SaveProblem.mediumFailed;
  };

  return Object.freeze({
    save(domain: Domain): u32 {
      const { body, end } = place(domain);
      // Until all of the new one is there, there is none.
      const cleared = clear(domain);
      if (cleared !== SaveProblem.none) return cleared;
      header.body = body;
      stream.open(body, end);
      stream.startSum();
      if (!putLayout(domain)) return stream.problem();
      stream.keepSum(header.layout);
      stream.startSum();
      if (!putState(domain)) return stream.problem();
      stream.keepSum(header.state);
      stream.startSum();
      if (!memoryOf.put(domain)) return stream.problem();
      stream.keepSum(header.memory);
      if (!medium.flush()) return SaveProblem.mediumFailed;
      header.complete = 1;
      return writeHeader(headerAt(domain)) ? SaveProblem.none : SaveProblem.mediumFailed;
    },
    restore(domain: Domain): u32 {
      const found = examine(domain);
      if (found !== SaveProblem.none) return found;
      const state = u64(header.body + roundUp(header.layoutBytes));
      const memory = u64(state + roundUp(header.stateBytes));
      stream.open(memory, medium.bytes());
      stream.startSum();
      const taken = memoryOf.take(domain);
      if (taken !== SaveProblem.none) return taken;
      if (!stream.hasSum(header.memory)) return SaveProblem.damaged;
      virtualization.reset(domain);
      stream.open(state, memory);
      if (!takeState(domain)) return stream.problem();
      // From here on the guest and its disks go on, and what was saved is the past.
      header.complete = 0;
      return writeHeader(headerAt(domain)) ? SaveProblem.none : SaveProblem.mediumFailed;
    },
    discard: clear,
    isSaved: (domain: Domain): boolean => readHeader(headerAt(domain)) === SaveProblem.none,
    awaySeconds(domain: Domain): u64 {
      const now = wallClockNs(domain.time);
      setScale(toSeconds, 1_000_000_000n, 1n);
      return now > header.savedAtNs ? convert(toSeconds, u64(now - header.savedAtNs)) : 0n;
    },
    keptMiB: (): u64 => u64((header.pages + 255n) >> 8n),
    tellDifferences(domain: Domain): void {
      for (const g of places) {
        if (domain.index === g.index) {
          const own = text(g.layout);
          const saved = u32(header.layoutBytes);
          tellDifference({ address: stream.buffer(), length: saved }, own);
        }
      }
    },
  });
}

/** Bytes in whole pages. */
function roundUp(bytes: u64): u64 {
  return u64(u64(bytes + 0xfffn) & ~0xfffn);
}
