/** The payload's own code. The emulator cannot read it: it has no translation for nested paging at hand. */

/** RDTSC (APM vol. 3). */
const rdtsc = Buffer.from([0x0f, 0x31]);
const programHeaderOffset = 28;

/** Whether the instruction at an address of the payload is RDTSC, as the one segment of its 32-bit ELF file says. */
export function guestReadsCounter(elf: Buffer): (address: number) => boolean {
  const header = elf.readUInt32LE(programHeaderOffset);
  const [offset, address, fileBytes] = [4, 12, 16].map((field) => elf.readUInt32LE(header + field));
  const code = elf.subarray(offset, offset + fileBytes);
  return (at) => at >= address && code.subarray(at - address, at - address + rdtsc.length).equals(rdtsc);
}
