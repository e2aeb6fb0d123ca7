/** A linked program of ours as it lies in memory at a fixed address. */

/** What to load. */
export interface BareProgram {
  /** A PE32+ image. */
  readonly efi: Uint8Array;
  /** Where it is loaded. */
  readonly address: number;
  /** Memory that is kept for it. */
  readonly memoryBytes: number;
}

const directoryOfRelocations = 5;
const absolute = 0;
const direct64 = 10;

/** The bytes of memory from its address on, relocated. The headers at its start are no part of the program. */
export function loaded({ efi, address, memoryBytes }: BareProgram): Buffer {
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
