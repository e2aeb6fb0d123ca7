/**
 * A program of ours as a bzImage, so that the Linux loader boots it: its image as it lies in memory, behind a setup
 * header (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header") and a jump to the entry.
 */

import { loaded, type BareProgram } from "./loaded.ts";

/** What to wrap. */
export interface LinuxProgram extends BareProgram {
  /** Where the entry for Linux's 32-bit boot protocol lies in it. */
  readonly entryRva: number;
}

const setupBytes = 2 * 512;

/** The bytes of the bzImage. */
export function bzImage(program: LinuxProgram): Buffer {
  const memory = loaded(program);
  memory[0] = 0xe9; // jmp rel32
  memory.writeInt32LE(program.entryRva - 5, 1);
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
