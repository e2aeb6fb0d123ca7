import test from "ava";
import { elfExecutable } from "./elf.ts";
import { sampleImage } from "./testing/sample-image.ts";

const linked = { efi: sampleImage(), address: 0x100_0000, memoryBytes: 0x10_0000 };
const executable = elfExecutable({ ...linked, pvhRva: 0x1010, multibootRva: 0x1020 });
const programHeaders = executable.readUInt32LE(28);
const word = (header: number, index: number): number =>
  executable.readUInt32LE(programHeaders + 32 * header + 4 * index);

test("it is a 32-bit executable whose one segment is the whole program with all its memory", (t) => {
  t.is(executable.toString("latin1", 1, 4), "ELF");
  t.is(executable[4], 1);
  const [type, offset, virtual, physical, fileBytes, memoryBytes] = [0, 1, 2, 3, 4, 5].map((i) => word(0, i));
  t.deepEqual([type, virtual, physical, memoryBytes], [1, 0x100_0000, 0x100_0000, 0x10_0000]);
  t.is(offset + fileBytes, executable.length);
});

test("an address in it is that of where it is loaded", (t) => {
  t.is(executable.readBigUInt64LE(word(0, 1) + 0x1000), 0x100_1008n);
});

test("its note names the PVH entry's physical address, in the words that the specification says", (t) => {
  t.is(word(1, 0), 4);
  const note = executable.subarray(word(1, 1), word(1, 1) + word(1, 4));
  t.deepEqual(
    [0, 4, 8, 16].map((at) => note.readUInt32LE(at)),
    [4, 4, 18, 0x100_1010],
  );
  t.is(note.toString("latin1", 12, 16), "Xen\0");
});

test("its Multiboot header lies in the first 8 KiB, adds up to zero, and the file's entry is Multiboot's", (t) => {
  const at = executable.indexOf(Buffer.from([0x02, 0xb0, 0xad, 0x1b]));
  t.true(at > 0 && at % 4 === 0 && at + 12 <= 8192);
  const sum = [0, 4, 8].reduce((total, offset) => total + executable.readUInt32LE(at + offset), 0);
  t.is(sum % 2 ** 32, 0);
  t.is(executable.readUInt32LE(24), 0x100_1020);
});

test("without an entry for Multiboot there is no header for it, and the file's entry is PVH's", (t) => {
  const alone = elfExecutable({ ...linked, pvhRva: 0x1010 });
  t.is(alone.indexOf(Buffer.from([0x02, 0xb0, 0xad, 0x1b])), -1);
  t.is(alone.readUInt32LE(24), 0x100_1010);
});
