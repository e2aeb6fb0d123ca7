/** The bytes of a static ELF executable for Linux on x86_64 (System V ABI, ELF-64): one header, one loadable segment, the code. */

const loadAddress = 0x400000n;
const headerBytes = 64;
const programHeaderBytes = 56;

/** Where the code of such an executable begins, and is entered. */
export const programEntry = loadAddress + BigInt(headerBytes + programHeaderBytes);

/** Wraps code that does not depend on its address beyond {@link programEntry}, and data behind it. */
export function elfProgram(code: Buffer): Buffer {
  const sizeBytes = headerBytes + programHeaderBytes + code.length;
  const file = Buffer.alloc(sizeBytes);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
  file.writeUInt16LE(2, 16); // e_type: executable
  file.writeUInt16LE(62, 18); // e_machine: x86_64
  file.writeUInt32LE(1, 20); // e_version
  file.writeBigUInt64LE(programEntry, 24); // e_entry
  file.writeBigUInt64LE(BigInt(headerBytes), 32); // e_phoff
  file.writeUInt16LE(headerBytes, 52); // e_ehsize
  file.writeUInt16LE(programHeaderBytes, 54); // e_phentsize
  file.writeUInt16LE(1, 56); // e_phnum
  file.writeUInt32LE(1, headerBytes); // p_type: load
  file.writeUInt32LE(5, headerBytes + 4); // p_flags: read, execute
  file.writeBigUInt64LE(loadAddress, headerBytes + 16); // p_vaddr
  file.writeBigUInt64LE(loadAddress, headerBytes + 24); // p_paddr
  file.writeBigUInt64LE(BigInt(sizeBytes), headerBytes + 32); // p_filesz
  file.writeBigUInt64LE(BigInt(sizeBytes), headerBytes + 40); // p_memsz
  file.writeBigUInt64LE(0x1000n, headerBytes + 48); // p_align
  code.copy(file, headerBytes + programHeaderBytes);
  return file;
}
