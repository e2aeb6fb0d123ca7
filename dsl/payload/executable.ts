/**
 * A kernel's file as pieces of guest memory and an entry point, whatever tells them: ELF's program headers or the
 * address fields of a multiboot header. The builder and the loader of a running image use this same source, so what
 * builds also loads.
 */
import { u64, type u32 } from "../core/int.ts";
import type { Loads, Room } from "./bytes.ts";
import { elfReader, segmentTypes } from "./elf.ts";
import { KernelFault } from "./fault.ts";
import { multibootReader } from "./multiboot.ts";

/** How a kernel is entered, which also says where its entry point stands. */
export type ExecutableKind = "pvh" | "multiboot";

/** Where the pieces stand. `fault` other than none: nowhere. */
export interface Layout {
  /** `KernelFault`. */
  readonly fault: u32;
  /** By the address fields of the multiboot header at `tableAt`; otherwise by ELF's program headers there. */
  readonly byFields: boolean;
  readonly wide: boolean;
  readonly tableAt: u64;
  readonly count: u32;
  /** The entry point: a physical address, or one in the terms of the segments' virtual addresses. */
  readonly wanted: u64;
  readonly physical: boolean;
}

/** Bytes of the file, and where they go. `memoryBytes` 0: none; what `fileBytes` does not fill is zero. */
export interface Piece {
  readonly fault: u32;
  readonly offset: u64;
  readonly fileBytes: u64;
  readonly gpa: u64;
  readonly virtualAddress: u64;
  readonly memoryBytes: u64;
}

/** A kernel that was held against its file and its guest's memory. */
export interface Executable {
  readonly fault: u32;
  /** The piece that the fault is about. */
  readonly piece: u32;
  /** Physical address of the entry point. */
  readonly entry: u64;
  /** First address above all pieces, and at least 1 MiB. */
  readonly end: u64;
}

/** The reader of a kind of kernels. `base` is the file's first byte for its loads, `size` its length in bytes. */
export interface ExecutableReader {
  layout(base: u64, size: u64): Layout;
  piece(base: u64, size: u64, layout: Layout, index: u32): Piece;
  /** Checks everything. After it, every piece lies within the file and in a room of its own. */
  check(base: u64, size: u64, layout: Layout): Executable;
}

const nowhere = (fault: u32): Layout => ({
  fault,
  byFields: false,
  wide: false,
  tableAt: 0n,
  count: 0,
  wanted: 0n,
  physical: true,
});
const noPiece = (): Piece => ({
  fault: KernelFault.none,
  offset: 0n,
  fileBytes: 0n,
  gpa: 0n,
  virtualAddress: 0n,
  memoryBytes: 0n,
});
const refused = (fault: u32, piece: u32): Executable => ({ fault, piece, entry: 0n, end: 0n });
const oneMebibyte = 0x10_0000n;

/** Builds the reader of one kind of kernels, which may be loaded to `rooms`. */
export function executableReader(
  kind: ExecutableKind,
  loads: Loads,
  rooms: readonly Room[],
): ExecutableReader {
  const hasHeader = kind === "multiboot";
  const elf = elfReader(loads);
  const multiboot = multibootReader(loads);

  const layout = (base: u64, size: u64): Layout => {
    if (hasHeader) {
      const found = multiboot.header(base, size);
      if (found.fault !== KernelFault.none) return nowhere(found.fault);
      if (found.addresses) {
        const { fault, entry } = multiboot.addressFields(base, size, found.at);
        return {
          fault,
          byFields: true,
          wide: false,
          tableAt: found.at,
          count: 1,
          wanted: entry,
          physical: true,
        };
      }
    }
    const header = elf.header(base, size);
    if (header.fault !== KernelFault.none) return nowhere(header.fault);
    const { wide, tableAt, count } = header;
    if (hasHeader)
      return {
        fault: KernelFault.none,
        byFields: false,
        wide,
        tableAt,
        count,
        wanted: header.entry,
        physical: false,
      };
    const note = elf.xenEntry(base, size, header);
    return { fault: note.fault, byFields: false, wide, tableAt, count, wanted: note.entry, physical: true };
  };

  const piece = (base: u64, size: u64, at: Layout, index: u32): Piece => {
    if (hasHeader && at.byFields) {
      const { fault, offset, fileBytes, gpa, memoryBytes } = multiboot.addressFields(base, size, at.tableAt);
      return { fault, offset, fileBytes, gpa, virtualAddress: gpa, memoryBytes };
    }
    const s = elf.segment(base, at.wide, at.tableAt, index);
    if (s.type !== segmentTypes.load) return noPiece();
    const outside = s.fileBytes !== 0n && (s.offset > size || s.fileBytes > u64(size - s.offset));
    return {
      fault:
        s.fileBytes > s.memoryBytes
          ? KernelFault.segmentSizes
          : outside
            ? KernelFault.segmentOutside
            : KernelFault.none,
      offset: s.offset,
      fileBytes: s.fileBytes,
      gpa: s.physicalAddress,
      virtualAddress: s.virtualAddress,
      memoryBytes: s.memoryBytes,
    };
  };

  const hasPlace = (gpa: u64, bytes: u64): boolean => {
    for (const room of rooms)
      if (gpa >= room.start && gpa < room.end && bytes <= u64(room.end - gpa)) return true;
    return false;
  };

  const check = (base: u64, size: u64, at: Layout): Executable => {
    if (at.fault !== KernelFault.none) return refused(at.fault, 0);
    let entry: u64 = 0n;
    let end: u64 = oneMebibyte;
    let loaded = false;
    for (let i = 0; i < at.count; i++) {
      const p = piece(base, size, at, i);
      if (p.fault !== KernelFault.none) return refused(p.fault, i);
      if (p.memoryBytes !== 0n) {
        if (!hasPlace(p.gpa, p.memoryBytes)) return refused(KernelFault.segmentPlace, i);
        const pieceEnd = u64(p.gpa + p.memoryBytes);
        for (let j = 0; j < i; j++) {
          const other = piece(base, size, at, j);
          if (p.gpa < u64(other.gpa + other.memoryBytes) && other.gpa < pieceEnd)
            return refused(KernelFault.segmentOverlap, i);
        }
        loaded = true;
        if (pieceEnd > end) end = pieceEnd;
        const from = at.physical ? p.gpa : p.virtualAddress;
        if (entry === 0n && at.wanted >= from && u64(at.wanted - from) < p.memoryBytes)
          entry = u64(p.gpa + u64(at.wanted - from));
      }
    }
    if (!loaded) return refused(KernelFault.noSegment, 0);
    // No room starts at address 0.
    if (entry === 0n) return refused(KernelFault.entryOutside, 0);
    return { fault: KernelFault.none, piece: 0, entry, end };
  };

  return Object.freeze({ layout, piece, check });
}
