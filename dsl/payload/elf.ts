/**
 * ELF files as far as a loader needs them: the header, the program headers, and Xen's notes (System V ABI, "Object
 * Files" and "Program Loading"; Xen, xen/include/public/elfnote.h). Nothing in a file is trusted: every offset and size
 * is held against the file before it is used.
 */
import { u64, type u32 } from "../core/int.ts";
import type { Loads } from "./bytes.ts";
import { KernelFault } from "./fault.ts";

/** "\x7fELF". */
const magic = 0x464c_457f;
const littleEndian = 1;
const currentVersion = 1;
const executable = 2;
const machines = Object.freeze({ x86: 3, x86_64: 62 });
const narrowHeaderBytes = 52n;
const wideHeaderBytes = 64n;
const narrowEntryBytes = 32;
const wideEntryBytes = 56;

/** Program headers of a kernel; more are refused. */
export const maxProgramHeaders = 32;

/** Types of program headers. */
export const segmentTypes = Object.freeze({ load: 1, note: 4 });

/** What an ELF header comes to. */
export interface ElfHeader {
  /** `KernelFault`; the rest is meaningless unless it is none. */
  readonly fault: u32;
  /** 64-bit. */
  readonly wide: boolean;
  /** Offset of the program header table, which lies within the file. */
  readonly tableAt: u64;
  /** Its entries, at most {@link maxProgramHeaders}. */
  readonly count: u32;
  /** `e_entry`, an address in the terms of the segments' virtual addresses. */
  readonly entry: u64;
}

/** A program header, of either class. Nothing of it is checked. */
export interface ElfSegment {
  readonly type: u32;
  readonly offset: u64;
  readonly fileBytes: u64;
  readonly virtualAddress: u64;
  readonly physicalAddress: u64;
  readonly memoryBytes: u64;
  readonly align: u64;
}

/** What the notes say. */
export interface XenEntry {
  readonly fault: u32;
  /** Physical address of the 32-bit entry point. */
  readonly entry: u64;
}

/** The reader of ELF files. `base` is the file's first byte for `loads`, `size` its length in bytes. */
export interface ElfReader {
  header(base: u64, size: u64): ElfHeader;
  /** One of the program headers that the header counts. */
  segment(base: u64, wide: boolean, tableAt: u64, index: u32): ElfSegment;
  /** The entry point that XEN_ELFNOTE_PHYS32_ENTRY gives: the first such note of the file's note segments. */
  xenEntry(base: u64, size: u64, header: ElfHeader): XenEntry;
}

/** "Xen\0", the name of Xen's notes, and its length. */
const xenName = 0x006e_6558;
const xenNameBytes = 4;
/** XEN_ELFNOTE_PHYS32_ENTRY. */
const physicalEntryNote = 18;
/** Lengths of name and descriptor, and the type. */
const noteHeaderBytes = 12n;

/** Builds the reader. */
export function elfReader({ load16, load32, load64 }: Loads): ElfReader {
  const refused = (fault: u32): ElfHeader => ({ fault, wide: false, tableAt: 0n, count: 0, entry: 0n });

  const header = (base: u64, size: u64): ElfHeader => {
    if (size < 20n || load32(base) !== magic) return refused(KernelFault.noElf);
    // Class, byte order and version of the identification, by byte.
    const kind = load32(u64(base + 4n)) & 0xff_ffff;
    const wide = (kind & 0xff) === 2;
    if ((!wide && (kind & 0xff) !== 1) || kind >>> 8 !== (littleEndian | (currentVersion << 8)))
      return refused(KernelFault.noElf);
    const machine = load16(u64(base + 18n));
    if (load16(u64(base + 16n)) !== executable) return refused(KernelFault.otherMachine);
    if (machine !== machines.x86 && machine !== machines.x86_64) return refused(KernelFault.otherMachine);
    if (size < (wide ? wideHeaderBytes : narrowHeaderBytes)) return refused(KernelFault.headerTruncated);
    const tableAt = wide ? load64(u64(base + 32n)) : u64(load32(u64(base + 28n)));
    const shape = u64(base + (wide ? 54n : 42n));
    const entryBytes = wide ? wideEntryBytes : narrowEntryBytes;
    const count = load16(u64(shape + 2n));
    if (count === 0) return refused(KernelFault.noSegment);
    if (load16(shape) !== entryBytes || count > maxProgramHeaders) return refused(KernelFault.tableShape);
    if (tableAt > size || BigInt(count * entryBytes) > u64(size - tableAt))
      return refused(KernelFault.tableOutside);
    const entry = wide ? load64(u64(base + 24n)) : u64(load32(u64(base + 24n)));
    return { fault: KernelFault.none, wide, tableAt, count, entry };
  };

  const segment = (base: u64, wide: boolean, tableAt: u64, index: u32): ElfSegment => {
    const at = u64(base + tableAt + BigInt(index) * BigInt(wide ? wideEntryBytes : narrowEntryBytes));
    if (wide)
      return {
        type: load32(at),
        offset: load64(u64(at + 8n)),
        virtualAddress: load64(u64(at + 16n)),
        physicalAddress: load64(u64(at + 24n)),
        fileBytes: load64(u64(at + 32n)),
        memoryBytes: load64(u64(at + 40n)),
        align: load64(u64(at + 48n)),
      };
    return {
      type: load32(at),
      offset: u64(load32(u64(at + 4n))),
      virtualAddress: u64(load32(u64(at + 8n))),
      physicalAddress: u64(load32(u64(at + 12n))),
      fileBytes: u64(load32(u64(at + 16n))),
      memoryBytes: u64(load32(u64(at + 20n))),
      align: u64(load32(u64(at + 28n))),
    };
  };

  /** Looks through one note segment of `bytes` bytes, whose names and descriptors are padded to `align` bytes. */
  const inNotes = (notes: u64, bytes: u64, align: u64): XenEntry => {
    const mask = u64(align - 1n);
    let at: u64 = 0n;
    while (u64(bytes - at) >= noteHeaderBytes) {
      const note = u64(notes + at);
      const nameBytes = load32(note);
      const contentBytes = load32(u64(note + 4n));
      const rest = u64(bytes - at);
      // Sums of 32-bit numbers do not wrap at 64 bits.
      const contentAt = u64((noteHeaderBytes + BigInt(nameBytes) + mask) & ~mask);
      const end = u64(contentAt + BigInt(contentBytes));
      if (end > rest) return { fault: KernelFault.noteOutside, entry: 0n };
      if (
        load32(u64(note + 8n)) === physicalEntryNote &&
        nameBytes === xenNameBytes &&
        load32(u64(note + noteHeaderBytes)) === xenName
      ) {
        if (contentBytes === 8) return { fault: KernelFault.none, entry: load64(u64(note + contentAt)) };
        if (contentBytes === 4) return { fault: KernelFault.none, entry: u64(load32(u64(note + contentAt))) };
        return { fault: KernelFault.noteSize, entry: 0n };
      }
      const next = u64((end + mask) & ~mask);
      // The last note need not be padded.
      if (next >= rest) break;
      at = u64(at + next);
    }
    return { fault: KernelFault.noNote, entry: 0n };
  };

  const xenEntry = (base: u64, size: u64, { wide, tableAt, count }: ElfHeader): XenEntry => {
    for (let i = 0; i < count; i++) {
      const s = segment(base, wide, tableAt, i);
      if (s.type === segmentTypes.note) {
        if (s.offset > size || s.fileBytes > u64(size - s.offset))
          return { fault: KernelFault.segmentOutside, entry: 0n };
        const found = inNotes(u64(base + s.offset), s.fileBytes, s.align === 8n ? 8n : 4n);
        if (found.fault !== KernelFault.noNote) return found;
      }
    }
    return { fault: KernelFault.noNote, entry: 0n };
  };

  return Object.freeze({ header, segment, xenEntry });
}
