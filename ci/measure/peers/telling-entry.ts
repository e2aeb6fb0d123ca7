/**
 * A kernel that tells the time-stamp counter before anything else, where a loader takes time that the counter counts: a
 * few instructions stand between the PVH loader and the kernel's own entry, and write 16 letters from a (0) to p (15) and
 * a line's end to Xen's debug port.
 */

const code = [
  ...[0x0f, 0x31], //             rdtsc
  ...[0x89, 0xc6], //             mov esi, eax
  ...[0x89, 0xd5], //             mov ebp, edx
  ...[0xb1, 0x10], //             mov cl, 16
  ...[0x80, 0xf9, 0x08], // next: cmp cl, 8
  ...[0x75, 0x02], //             jne digit
  ...[0x89, 0xf5], //             mov ebp, esi
  ...[0xc1, 0xc5, 0x04], // digit: rol ebp, 4
  ...[0x89, 0xe8], //             mov eax, ebp
  ...[0x24, 0x0f], //             and al, 15
  ...[0x04, 0x61], //             add al, 'a'
  ...[0xe6, 0xe9], //             out 0xe9, al
  ...[0xfe, 0xc9], //             dec cl
  ...[0x75, 0xea], //             jnz next
  ...[0xb0, 0x0a], //             mov al, '\n'
  ...[0xe6, 0xe9], //             out 0xe9, al
  0xb8, //                        mov eax, the kernel's entry
] as const;
const jump = [0xff, 0xe0]; //     jmp eax
const stubBytes = code.length + 4 + jump.length;

/** How often the added instructions write to the port. */
export const tellingOuts = 17;

const elf64 = { phoff: 32, phentsize: 54, phnum: 56 } as const;
const loadType = 1;
const noteType = 4;
const physicalEntry32 = 18;

interface Segment {
  readonly at: number;
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

/** A 64-bit ELF kernel with a PVH entry, as one that tells the counter first. */
export function withTellingEntry(kernel: Buffer): Buffer {
  const file = Buffer.from(kernel);
  const segments = segmentsOf(file);
  const entryAt = entryNote(file, segments);
  const host = segments.find((segment) => hasRoom(file, segment, segments));
  if (host === undefined) throw new Error(`the kernel has no room for ${stubBytes} bytes behind a segment`);
  const stub = Buffer.from([...code, ...new Array<number>(4).fill(0), ...jump]);
  stub.writeUInt32LE(file.readUInt32LE(entryAt), code.length);
  stub.copy(file, host.offset + host.fileBytes);
  file.writeUInt32LE(host.address + host.fileBytes, entryAt);
  const grown = BigInt(host.fileBytes + stubBytes);
  file.writeBigUInt64LE(grown, host.at + 32);
  file.writeBigUInt64LE(grown, host.at + 40);
  return file;
}

function segmentsOf(file: Buffer): Segment[] {
  const number = (at: number): number => Number(file.readBigUInt64LE(at));
  const [first, size] = [number(elf64.phoff), file.readUInt16LE(elf64.phentsize)];
  return Array.from({ length: file.readUInt16LE(elf64.phnum) }, (_, i) => {
    const at = first + i * size;
    return {
      at,
      type: file.readUInt32LE(at),
      offset: number(at + 8),
      address: number(at + 24),
      fileBytes: number(at + 32),
      memoryBytes: number(at + 40),
    };
  });
}

/** Where the file says the PVH entry (Xen docs/misc/pvh.pandoc: note XEN_ELFNOTE_PHYS32_ENTRY). */
function entryNote(file: Buffer, segments: readonly Segment[]): number {
  const padded = (bytes: number): number => (bytes + 3) & ~3;
  for (const { offset, fileBytes } of segments.filter(({ type }) => type === noteType)) {
    for (let at = offset; at < offset + fileBytes;) {
      const [nameBytes, valueBytes, type] = [0, 4, 8].map((field) => file.readUInt32LE(at + field));
      const value = at + 12 + padded(nameBytes);
      if (type === physicalEntry32 && file.toString("latin1", at + 12, at + 16) === "Xen\0") return value;
      at = value + padded(valueBytes);
    }
  }
  throw new Error("the kernel has no note that names a PVH entry");
}

/** Whether nothing is behind a segment, in the file and in memory. */
function hasRoom(file: Buffer, segment: Segment, segments: readonly Segment[]): boolean {
  const { type, offset, address, fileBytes, memoryBytes } = segment;
  if (type !== loadType || fileBytes !== memoryBytes) return false;
  const [fileEnd, memoryEnd] = [offset + fileBytes, address + memoryBytes];
  const free = file.subarray(fileEnd, fileEnd + stubBytes);
  const taken = segments.some(
    (other) =>
      other.type === loadType &&
      other.address < memoryEnd + stubBytes &&
      other.address + other.memoryBytes > memoryEnd,
  );
  return !taken && free.length === stubBytes && free.every((byte) => byte === 0);
}
