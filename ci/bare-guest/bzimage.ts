/**
 * A program of ours as a bzImage, so that the Linux loader boots it: its image as it lies in memory, behind a setup
 * header (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header") and a jump to the entry.
 */

/** What to wrap. */
export interface BareProgram {
  /** A PE32+ image. */
  readonly efi: Uint8Array;
  /** Where the entry lies in it. */
  readonly entryRva: number;
  /** Where it is loaded. */
  readonly address: number;
  /** Memory that is kept for it. */
  readonly memoryBytes: number;
}

const setupBytes = 2 * 512;
const directoryOfRelocations = 5;
const absolute = 0;
const direct64 = 10;

/** The bytes of the bzImage. */
export function bzImage(program: BareProgram): Buffer {
  const memory = loaded(program);
  const setup = Buffer.alloc(setupBytes);
  setup[0x1f1] = setupBytes / 512 - 1;
  setup.writeUInt32LE(memory.length / 16, 0x1f4);
  setup.writeUInt16LE(0xaa55, 0x1fe);
  // A short jump over the header, whose distance says where it ends.
  setup[0x200] = 0xeb;
  setup[0x201] = 0x268 - 0x202;
  setup.write("HdrS", 0x202, "latin1");
  setup.writeUInt16LE(0x020f, 0x206);
  setup[0x211] = 1; // loadflags: loaded high
  setup.writeUInt32LE(program.address, 0x214);
  setup.writeUInt32LE(0x7fff_ffff, 0x22c); // initrd_addr_max
  setup.writeUInt32LE(0x20_0000, 0x230); // kernel_alignment
  setup[0x234] = 1; // relocatable: it goes to its preferred address
  setup[0x235] = 21; // min_alignment, as a power of two
  setup.writeUInt32LE(255, 0x238); // cmdline_size
  setup.writeBigUInt64LE(BigInt(program.address), 0x258);
  setup.writeUInt32LE(program.memoryBytes, 0x260); // init_size
  return Buffer.concat([setup, memory]);
}

/** The image as it lies in memory at its address, relocated, its first bytes a jump to the entry. */
function loaded({ efi, entryRva, address, memoryBytes }: BareProgram): Buffer {
  const file = Buffer.from(efi);
  const header = file.readUInt32LE(0x3c);
  const optional = header + 24;
  const linkedBase = file.readBigUInt64LE(optional + 24);
  const imageBytes = file.readUInt32LE(optional + 56);
  if (imageBytes > memoryBytes)
    throw new RangeError(`the program takes ${imageBytes} bytes of ${memoryBytes}`);
  const memory = Buffer.alloc(imageBytes);
  const sections = optional + file.readUInt16LE(header + 20);
  for (let i = 0; i < file.readUInt16LE(header + 6); i++) {
    const at = sections + 40 * i;
    const [virtualBytes, rva, fileBytes, offset] = [8, 12, 16, 20].map((field) =>
      file.readUInt32LE(at + field),
    );
    file.copy(memory, rva, offset, offset + Math.min(virtualBytes, fileBytes));
  }
  const relocations = optional + 112 + 8 * directoryOfRelocations;
  relocate(
    memory,
    file.readUInt32LE(relocations),
    file.readUInt32LE(relocations + 4),
    BigInt(address) - linkedBase,
  );
  memory[0] = 0xe9; // jmp rel32
  memory.writeInt32LE(entryRva - 5, 1);
  return memory;
}

/** Adds a distance to every 64-bit address that the base relocations name (PE format, "The .reloc Section"). */
function relocate(memory: Buffer, rva: number, sizeBytes: number, distance: bigint): void {
  for (let block = rva; block < rva + sizeBytes;) {
    const page = memory.readUInt32LE(block);
    const blockBytes = memory.readUInt32LE(block + 4);
    for (let at = block + 8; at < block + blockBytes; at += 2) {
      const entry = memory.readUInt16LE(at);
      const place = page + (entry & 0xfff);
      if (entry >> 12 === direct64) {
        memory.writeBigUInt64LE(BigInt.asUintN(64, memory.readBigUInt64LE(place) + distance), place);
      } else if (entry >> 12 !== absolute)
        throw new RangeError(`relocations of kind ${entry >> 12} are not made`);
    }
    block += blockBytes;
  }
}
