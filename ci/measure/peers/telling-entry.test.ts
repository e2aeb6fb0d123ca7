import test from "ava";
import { withTellingEntry } from "./telling-entry.ts";

const loadAt = 64;
const noteAt = loadAt + 56;
const noteOffset = 0x100;
const valueAt = noteOffset + 16;
const load = { offset: 0x200, address: 0x100_0000, bytes: 0x40 };
const entry = 0x100_0010;
const stubBytes = 41;

/** A kernel of one segment and a note, with some bytes behind the segment. */
function kernel(behind: Buffer): Buffer {
  const file = Buffer.concat([Buffer.alloc(load.offset), Buffer.alloc(load.bytes, 0xcc), behind]);
  file.writeBigUInt64LE(BigInt(loadAt), 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  file.writeUInt32LE(1, loadAt);
  file.writeUInt32LE(4, noteAt);
  const fields = [
    [loadAt + 8, load.offset],
    [loadAt + 24, load.address],
    [loadAt + 32, load.bytes],
    [loadAt + 40, load.bytes],
    [noteAt + 8, noteOffset],
    [noteAt + 32, 20],
    [noteAt + 40, 20],
  ];
  for (const [at, value] of fields) file.writeBigUInt64LE(BigInt(value), at);
  file.writeUInt32LE(4, noteOffset);
  file.writeUInt32LE(4, noteOffset + 4);
  file.writeUInt32LE(18, noteOffset + 8);
  file.write("Xen\0", noteOffset + 12, "latin1");
  file.writeUInt32LE(entry, valueAt);
  return file;
}

test("the kernel is entered where its segment ended, and goes on to its own entry", (t) => {
  const before = kernel(Buffer.alloc(100));
  const after = withTellingEntry(before);
  t.is(after.readUInt32LE(valueAt), load.address + load.bytes);
  for (const at of [loadAt + 32, loadAt + 40])
    t.is(Number(after.readBigUInt64LE(at)), load.bytes + stubBytes);
  const end = load.offset + load.bytes;
  const stub = after.subarray(end, end + stubBytes);
  t.is(stub.readUInt16LE(0), 0x310f, "it begins with RDTSC");
  t.is(stub.readUInt8(stubBytes - 7), 0xb8);
  t.is(stub.readUInt32LE(stubBytes - 6), entry);
  t.is(stub.readUInt16LE(stubBytes - 2), 0xe0ff);
  t.deepEqual(after.subarray(load.offset, end), before.subarray(load.offset, end));
  t.is(after.length, before.length);
});

test("its loop and its branch lead to instructions of its own", (t) => {
  const after = withTellingEntry(kernel(Buffer.alloc(100)));
  const stub = after.subarray(load.offset + load.bytes, load.offset + load.bytes + stubBytes);
  const targets = [...stub.entries()].flatMap(([i, byte]) =>
    byte === 0x75 ? [i + 2 + stub.readInt8(i + 1)] : [],
  );
  // To "rol ebp" over "mov ebp, esi", and back to "cmp cl".
  t.deepEqual(
    targets.map((at) => stub.subarray(at, at + 2).toString("hex")),
    ["c1c5", "80f9"],
  );
});

test("a kernel without room behind a segment, or without a PVH entry, is refused", (t) => {
  t.throws(() => withTellingEntry(kernel(Buffer.alloc(stubBytes - 1))), { message: /no room for 41 bytes/ });
  t.throws(() => withTellingEntry(kernel(Buffer.alloc(100, 1))), { message: /no room/ });
  const other = kernel(Buffer.alloc(100));
  other.writeUInt32LE(17, noteOffset + 8);
  t.throws(() => withTellingEntry(other), { message: /no note that names a PVH entry/ });
});
