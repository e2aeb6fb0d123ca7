const linkedBase = 0x1_4000_0000n;

/** The least of a PE32+ image: one section at 0x1000 with one address in it, and its relocation at 0x2000. */
export function sampleImage(): Buffer {
  const file = Buffer.alloc(0x600);
  const header = 0x80;
  const optional = header + 24;
  file.writeUInt32LE(header, 0x3c);
  file.writeUInt16LE(2, header + 6);
  file.writeUInt16LE(240, header + 20);
  file.writeBigUInt64LE(linkedBase, optional + 24);
  file.writeUInt32LE(0x3000, optional + 56);
  file.writeUInt32LE(0x2000, optional + 112 + 40);
  file.writeUInt32LE(12, optional + 112 + 44);
  for (const [i, rva, offset] of [
    [0, 0x1000, 0x200],
    [1, 0x2000, 0x400],
  ]) {
    const section = optional + 240 + 40 * i;
    file.writeUInt32LE(0x10, section + 8);
    file.writeUInt32LE(rva, section + 12);
    file.writeUInt32LE(0x200, section + 16);
    file.writeUInt32LE(offset, section + 20);
  }
  file.writeBigUInt64LE(linkedBase + 0x1008n, 0x200);
  file.writeUInt32LE(0x1000, 0x400);
  file.writeUInt32LE(12, 0x404);
  file.writeUInt16LE(10 << 12, 0x408);
  return file;
}
