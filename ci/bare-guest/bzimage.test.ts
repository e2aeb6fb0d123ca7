import test from "ava";
import { readLinuxHeader } from "../../compiler/image/linux-header.ts";
import { bzImage } from "./bzimage.ts";

const linkedBase = 0x1_4000_0000n;

/** The least of a PE32+ image: one section at 0x1000 with one address in it, and its relocation at 0x2000. */
function sampleImage(): Buffer {
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

const wrapped = bzImage({
  efi: sampleImage(),
  entryRva: 0x1004,
  address: 0x100_0000,
  memoryBytes: 0x10_0000,
});
const setupBytes = 1024;

test("a wrapped program is a kernel for the builder: loaded at its address, whole, with its memory", (t) => {
  const facts = readLinuxHeader(wrapped);
  t.like(facts, { setupBytes, protectedModeBytes: 0x3000, prefAddress: 0x100_0000, initSize: 0x10_0000 });
});

test("its first instruction jumps to the entry", (t) => {
  t.is(wrapped[setupBytes], 0xe9);
  t.is(wrapped.readInt32LE(setupBytes + 1) + 5, 0x1004);
});

test("an address in it is that of where it is loaded", (t) => {
  t.is(wrapped.readBigUInt64LE(setupBytes + 0x1000), 0x100_1008n);
});

test("a program that needs more memory than is kept for it is refused", (t) => {
  const options = { efi: sampleImage(), entryRva: 0, address: 0, memoryBytes: 0x2000 };
  t.throws(() => bzImage(options), { message: /takes 12288 bytes of 8192/ });
});
