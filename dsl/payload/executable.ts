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
import { multiboot2Reader } from "./multiboot2.ts";

/** How a kernel is entered, which also says where its entry point stands. */
export type ExecutableKind = "pvh" | "multiboot" | "multiboot2";

/** Where the pieces stand. `fault` other than none: nowhere. */
export interface Layout {
  /** `KernelFault`. */
  readonly fault: u32;
  /** The type of the header's tag that the fault is about. */
  readonly tag: u32;
  /** By the address fields at `fieldsAt` of the multiboot header at `tableAt`; otherwise by ELF's program headers there. */
  readonly byFields: boolean;
  readonly fieldsAt: u64;
  readonly wide: boolean;
  readonly tableAt: u64;
  readonly count: u32;
  /** The entry point: a physical address, or one in the terms of the segments' virtual addresses. */
  readonly wanted: u64;
  readonly physical: boolean;
  /** What is added to every physical address, modulo 2^64. */
  readonly shift: u64;
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
  /** The piece that the fault is about, or the type of the header's tag. */
  readonly piece: u32;
  /** Physical address of the entry point. */
  readonly entry: u64;
  /** Address of the lowest piece. */
  readonly start: u64;
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

const nowhere = (fault: u32, tag: u32): Layout => ({
  fault,
  tag,
  byFields: false,
  fieldsAt: 0n,
  wide: false,
  tableAt: 0n,
  count: 0,
  wanted: 0n,
  physical: true,
  shift: 0n,
});
const noPiece = (): Piece => ({
  fault: KernelFault.none,
  offset: 0n,
  fileBytes: 0n,
  gpa: 0n,
  virtualAddress: 0n,
  memoryBytes: 0n,
});
const refused = (fault: u32, piece: u32): Executable => ({ fault, piece, entry: 0n, start: 0n, end: 0n });
const oneMebibyte = 0x10_0000n;

/** Builds the reader of one kind of kernels, which may be loaded to `rooms`. */
export function executableReader(
  kind: ExecutableKind,
  loads: Loads,
  rooms: readonly Room[],
): ExecutableReader {
  const hasHeader = kind !== "pvh";
  const elf = elfReader(loads);
  const multiboot = multibootReader(loads);
  const multiboot2 = multiboot2Reader(loads);
  const { load32 } = loads;

  const fromFields = (base: u64, size: u64, at: u64, fieldsAt: u64, entryAt: u64): Layout => ({
    fault: multiboot.addressFields(base, size, at, fieldsAt).fault,
    tag: 0,
    byFields: true,
    fieldsAt,
    wide: false,
    tableAt: at,
    count: 1,
    wanted: u64(load32(u64(base + entryAt))),
    physical: true,
    shift: 0n,
  });

  const fromElf = (base: u64, size: u64): Layout => {
    const header = elf.header(base, size);
    if (header.fault !== KernelFault.none) return nowhere(header.fault, 0);
    const { wide, tableAt, count } = header;
    const note = hasHeader ? { fault: KernelFault.none, entry: 0n } : elf.xenEntry(base, size, header);
    return {
      fault: note.fault,
      tag: 0,
      byFields: false,
      fieldsAt: 0n,
      wide,
      tableAt,
      count,
      wanted: hasHeader ? header.entry : note.entry,
      physical: !hasHeader,
      shift: 0n,
    };
  };

  const layout = (base: u64, size: u64): Layout => {
    if (kind === "multiboot") {
      const found = multiboot.header(base, size);
      if (found.fault !== KernelFault.none) return nowhere(found.fault, 0);
      if (found.addresses) return fromFields(base, size, found.at, u64(found.at + 12n), u64(found.at + 28n));
    }
    if (kind === "multiboot2") {
      const found = multiboot2.header(base, size);
      if (found.fault !== KernelFault.none) return nowhere(found.fault, found.tag);
      const { at, fieldsAt, entryAt, rangeAt } = found;
      if (fieldsAt !== 0n && entryAt === 0n) return nowhere(KernelFault.multibootEntry, 0);
      const plain = fieldsAt === 0n ? fromElf(base, size) : fromFields(base, size, at, fieldsAt, entryAt);
      if (plain.fault !== KernelFault.none) return plain;
      const moved =
        rangeAt === 0n ? { ok: true, shift: 0n } : shiftOf(base, size, plain, u64(base + rangeAt));
      return {
        fault: moved.ok ? KernelFault.none : KernelFault.multibootRange,
        tag: 0,
        byFields: plain.byFields,
        fieldsAt,
        wide: plain.wide,
        tableAt: plain.tableAt,
        count: plain.count,
        wanted: entryAt === 0n ? plain.wanted : u64(load32(u64(base + entryAt))),
        physical: entryAt !== 0n || plain.physical,
        shift: moved.shift,
      };
    }
    return fromElf(base, size);
  };

  const piece = (base: u64, size: u64, at: Layout, index: u32): Piece => {
    if (hasHeader && at.byFields) {
      const found = multiboot.addressFields(base, size, at.tableAt, at.fieldsAt);
      const { fault, offset, fileBytes, gpa, memoryBytes } = found;
      return { fault, offset, fileBytes, gpa: u64(gpa + at.shift), virtualAddress: gpa, memoryBytes };
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
      gpa: u64(s.physicalAddress + at.shift),
      virtualAddress: s.virtualAddress,
      memoryBytes: s.memoryBytes,
    };
  };

  /**
   * How far a file is moved whose header lets it: not at all where it may stay, and to the lowest place otherwise. The
   * tag's fields are the lowest address, the highest, and the alignment (Multiboot2 Specification 2.0, §3.1.10).
   */
  const shiftOf = (
    base: u64,
    size: u64,
    at: Layout,
    range: u64,
  ): { readonly ok: boolean; readonly shift: u64 } => {
    let start: u64 = 0xffff_ffff_ffff_ffffn;
    let end: u64 = 0n;
    for (let i = 0; i < at.count; i++) {
      const { gpa, memoryBytes } = piece(base, size, at, i);
      if (memoryBytes !== 0n) {
        if (gpa < start) start = gpa;
        if (u64(gpa + memoryBytes) > end) end = u64(gpa + memoryBytes);
      }
    }
    // No piece, or one whose addresses wrap: that is said later.
    if (end < start) return { ok: true, shift: 0n };
    const bytes = u64(end - start);
    const least = u64(load32(range));
    const most = u64(u64(load32(u64(range + 4n))) + 1n);
    const told = load32(u64(range + 8n));
    const align = told === 0 ? 1n : u64(told);
    if (start >= least && end <= most && hasPlace(start, bytes)) return { ok: true, shift: 0n };
    for (const room of rooms) {
      const from = room.start > least ? room.start : least;
      const over = align === 0n ? 0n : u64(from % align);
      const place = over === 0n ? from : u64(from + u64(align - over));
      const top = room.end < most ? room.end : most;
      if (place < top && bytes <= u64(top - place)) return { ok: true, shift: u64(place - start) };
    }
    return { ok: false, shift: 0n };
  };

  const hasPlace = (gpa: u64, bytes: u64): boolean => {
    for (const room of rooms)
      if (gpa >= room.start && gpa < room.end && bytes <= u64(room.end - gpa)) return true;
    return false;
  };

  const check = (base: u64, size: u64, at: Layout): Executable => {
    if (at.fault !== KernelFault.none) return refused(at.fault, at.tag);
    let entry: u64 = 0n;
    let start: u64 = 0xffff_ffff_ffff_ffffn;
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
        if (p.gpa < start) start = p.gpa;
        if (pieceEnd > end) end = pieceEnd;
        const from = at.physical ? u64(p.gpa - at.shift) : p.virtualAddress;
        if (entry === 0n && at.wanted >= from && u64(at.wanted - from) < p.memoryBytes)
          entry = u64(p.gpa + u64(at.wanted - from));
      }
    }
    if (!loaded) return refused(KernelFault.noSegment, 0);
    // No room starts at address 0.
    if (entry === 0n) return refused(KernelFault.entryOutside, 0);
    return { fault: KernelFault.none, piece: 0, entry, start, end };
  };

  return Object.freeze({ layout, piece, check });
}
