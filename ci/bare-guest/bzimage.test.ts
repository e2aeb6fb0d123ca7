import test from "ava";
import { readLinuxHeader } from "../../compiler/image/linux-header.ts";
import { bzImage } from "./bzimage.ts";
import { sampleImage } from "./testing/sample-image.ts";

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
