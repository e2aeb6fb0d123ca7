/**
 * A program of ours as an ELF executable that a PVH loader starts (Xen docs/misc/pvh.pandoc: the note
 * XEN_ELFNOTE_PHYS32_ENTRY names the entry), and a Multiboot loader too (Multiboot Specification 0.6.96 §3.1).
 */
import { loaded, type BareProgram } from "./loaded.ts";

/** What to wrap. */
export interface ElfProgram extends BareProgram {
  readonly pvhRva: number;
  /** The entry for Multiboot; without it the file has no Multiboot header, which some loaders would prefer. */
  readonly multibootRva?: number;
}

const headerBytes = 52;
const programHeaderBytes = 32;
const noteOffset = headerBytes + 2 * programHeaderBytes;
const noteBytes = 20;
const multibootOffset = noteOffset + noteBytes;
const memoryOffset = 0x1000;

const intel386 = 3;
const segmentLoad = 1;
const segmentNote = 4;
const everyAccess = 7;
const physicalEntry32 = 18;
const multibootMagic = 0x1bad_b002;

/** The bytes of the executable: 32-bit, because that is the mode in which loaders enter it. */
export function elfExecutable(program: ElfProgram): Buffer {
  const memory = loaded(program);
  const head = Buffer.alloc(memoryOffset);
  const { address } = program;
  head.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  head.writeUInt16LE(2, 16); // e_type: executable
  head.writeUInt16LE(intel386, 18);
  head.writeUInt32LE(1, 20); // e_version
  head.writeUInt32LE(address + (program.multibootRva ?? program.pvhRva), 24); // e_entry
  head.writeUInt32LE(headerBytes, 28); // e_phoff
  head.writeUInt16LE(headerBytes, 40); // e_ehsize
  head.writeUInt16LE(programHeaderBytes, 42); // e_phentsize
  head.writeUInt16LE(2, 44); // e_phnum
  const load = [segmentLoad, memoryOffset, address, address, memory.length, program.memoryBytes, everyAccess];
  const note = [segmentNote, noteOffset, 0, 0, noteBytes, noteBytes, 4, 4];
  [...load, memoryOffset, ...note].forEach((word, i) => head.writeUInt32LE(word, headerBytes + 4 * i));
  head.writeUInt32LE(4, noteOffset); // the name's length
  head.writeUInt32LE(4, noteOffset + 4); // the value's
  head.writeUInt32LE(physicalEntry32, noteOffset + 8);
  head.write("Xen\0", noteOffset + 12, "latin1");
  head.writeUInt32LE(address + program.pvhRva, noteOffset + 16);
  if (program.multibootRva !== undefined) {
    head.writeUInt32LE(multibootMagic, multibootOffset);
    head.writeUInt32LE(-multibootMagic >>> 0, multibootOffset + 8);
  }
  return Buffer.concat([head, memory]);
}
