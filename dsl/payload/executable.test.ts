import test from "ava";
import type { Loads } from "./bytes.ts";
import { executableReader, type Executable, type ExecutableKind, type Piece } from "./executable.ts";
import { KernelFault } from "./fault.ts";
import {
  elfFields,
  elfFile,
  multiboot2Header,
  multiboot2Kernel,
  multibootHeader,
  multibootKernel,
  notes,
  pvhKernel,
  xenNote,
  type Multiboot2Tag,
  type SegmentOptions,
} from "./testing/elf-file.ts";

const mib = 1 << 20;
const rooms = [
  { start: 0x1000n, end: 0x6000n },
  { start: 0xa000n, end: 0x9_fc00n },
  { start: BigInt(mib), end: BigInt(64 * mib) },
];

/** Loads that throw beyond the file, which starts at an address of its own. */
const base = 0x5_0000n;
function loadsOf(file: Uint8Array): Loads {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const at = (address: bigint): number => Number(address - base);
  return {
    load16: (address) => view.getUint16(at(address), true),
    load32: (address) => view.getUint32(at(address), true),
    load64: (address) => view.getBigUint64(at(address), true),
  };
}

/** What becomes of a file. */
function read(kind: ExecutableKind, file: Uint8Array): { found: Executable; pieces: Piece[] } {
  const reader = executableReader(kind, loadsOf(file), rooms);
  const size = BigInt(file.length);
  const layout = reader.layout(base, size);
  const found = reader.check(base, size, layout);
  const count = found.fault === KernelFault.none ? layout.count : 0;
  const pieces = Array.from({ length: count }, (_, i) => reader.piece(base, size, layout, i));
  return { found, pieces: pieces.filter((p) => p.memoryBytes !== 0n) };
}

const data = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xcc);
const note = (content: Uint8Array, align = 4): SegmentOptions => ({ type: 4, data: content, align });

for (const wide of [false, true]) {
  const bits = wide ? 64 : 32;
  test(`segments of a ${bits}-bit file go to their physical addresses, and PVH's entry is one`, (t) => {
    const virtualBase = wide ? 0xffff_ffff_8000 : 0xc000_0000;
    const file = elfFile({
      wide,
      entry: virtualBase,
      segments: [
        { virtualAddress: virtualBase, physicalAddress: 2 * mib, data: data(100), memoryBytes: 300 },
        note(notes([{ name: "GNU", type: 1, content: [1, 2, 3] }])),
        note(xenNote(2 * mib + 50)),
        { physicalAddress: 0x2000, data: data(16), memoryBytes: 16 },
      ],
    });
    const { found, pieces } = read("pvh", file);
    t.deepEqual(found, {
      fault: KernelFault.none,
      piece: 0,
      start: 0x2000n,
      entry: BigInt(2 * mib + 50),
      end: BigInt(2 * mib + 300),
    });
    t.deepEqual(
      pieces.map((p) => [p.gpa, p.fileBytes, p.memoryBytes]),
      [
        [BigInt(2 * mib), 100n, 300n],
        [0x2000n, 16n, 16n],
      ],
    );
    const [first] = pieces;
    t.deepEqual(file.slice(Number(first!.offset), Number(first!.offset) + 100), data(100));
  });
}

test("the end that is told lies at 1 MiB or above", (t) => {
  t.is(read("pvh", pvhKernel(0x1000)).found.end, BigInt(mib));
});

test("PVH's note may hold 8 bytes, and lie behind others in padding of 4 or of 8", (t) => {
  t.is(read("pvh", pvhKernel(mib, { segments: [code(), note(xenNote(mib, 8))] })).found.entry, BigInt(mib));
  const others = [
    { name: "Linux", type: 18, content: [9, 9, 9, 9] },
    { name: "Xen", type: 5, content: [1, 2, 3, 4, 5] },
    { name: "Xen", type: 18, content: [4, 0, 0x10, 0] },
  ];
  for (const align of [4, 8]) {
    // Padding counts from the start of each note, whose header has 12 bytes.
    const segments = [code(), note(notes(others, align), align)];
    t.is(read("pvh", pvhKernel(mib, { segments })).found.entry, BigInt(mib + 4), `${align}`);
  }
});

function code(options: SegmentOptions = {}): SegmentOptions {
  return { virtualAddress: mib, data: data(64), memoryBytes: 0x1000, ...options };
}

/** PVH kernels that are refused. */
const wrong: readonly (readonly [string, keyof typeof KernelFault, Uint8Array])[] = [
  ["an empty file", "noElf", new Uint8Array(0)],
  ["no magic number", "noElf", pvhKernel(mib, { change: (v) => v.setUint8(0, 0x7e) })],
  ["a class that there is not", "noElf", pvhKernel(mib, { change: (v) => v.setUint8(4, 3) })],
  ["big-endian numbers", "noElf", pvhKernel(mib, { change: (v) => v.setUint8(5, 2) })],
  ["an unknown version", "noElf", pvhKernel(mib, { change: (v) => v.setUint8(6, 2) })],
  ["a relocatable object", "otherMachine", pvhKernel(mib, { change: (v) => v.setUint16(16, 1, true) })],
  [
    "a program for another machine",
    "otherMachine",
    pvhKernel(mib, { change: (v) => v.setUint16(18, 183, true) }),
  ],
  ["a header cut off", "headerTruncated", pvhKernel().subarray(0, 51)],
  ["a wide header cut off", "headerTruncated", pvhKernel(mib, { wide: true }).subarray(0, 63)],
  [
    "a table beyond the end",
    "tableOutside",
    pvhKernel(mib, { change: (v) => v.setUint32(28, v.byteLength - 63, true) }),
  ],
  [
    "a table that wraps",
    "tableOutside",
    pvhKernel(mib, { change: (v) => v.setUint32(28, 0xffff_ffff, true) }),
  ],
  [
    "a wide table that wraps",
    "tableOutside",
    pvhKernel(mib, { wide: true, change: (v) => v.setBigUint64(32, 0xffff_ffff_ffff_fff0n, true) }),
  ],
  ["entries of another size", "tableShape", pvhKernel(mib, { change: (v) => v.setUint16(42, 31, true) })],
  ["too many entries", "tableShape", pvhKernel(mib, { change: (v) => v.setUint16(44, 33, true) })],
  ["no entry", "noSegment", pvhKernel(mib, { change: (v) => v.setUint16(44, 0, true) })],
  ["nothing to load", "noSegment", elfFile({ segments: [note(xenNote(mib))] })],
  ["more in the file than in memory", "segmentSizes", elfWith(code({ memoryBytes: 63 }))],
  ["a segment of no memory with bytes", "segmentSizes", elfWith(code({ memoryBytes: 0 }))],
  [
    "a segment beyond the end",
    "segmentOutside",
    pvhKernel(mib, { change: (v) => v.setUint32(elfFields.narrow.header + 4, v.byteLength - 63, true) }),
  ],
  [
    "a segment whose place in the file wraps",
    "segmentOutside",
    pvhKernel(mib, {
      wide: true,
      change: (v) => v.setBigUint64(elfFields.wide.header + 8, 0xffff_ffff_ffff_ffe0n, true),
    }),
  ],
  ["a segment in the first page", "segmentPlace", elfWith(code({ physicalAddress: 0xfff }))],
  ["a segment over what is placed", "segmentPlace", elfWith(code({ physicalAddress: 0x5001 }))],
  ["a segment in the hole below 1 MiB", "segmentPlace", elfWith(code({ physicalAddress: 0xe_0000 }))],
  ["a segment over the end of memory", "segmentPlace", elfWith(code({ physicalAddress: 64 * mib - 0xfff }))],
  ["a segment beyond memory", "segmentPlace", elfWith(code({ physicalAddress: 0xf000_0000 }))],
  [
    "a segment whose place in memory wraps",
    "segmentPlace",
    pvhKernel(mib, {
      wide: true,
      change: (v) => v.setBigUint64(elfFields.wide.header + 40, 0xffff_ffff_ffff_ffffn, true),
    }),
  ],
  ["segments that overlap", "segmentOverlap", elfWith(code(), code({ physicalAddress: mib + 0xfff }))],
  ["segments at one place", "segmentOverlap", elfWith(code({ physicalAddress: mib }), code())],
  ["an entry below its segment", "entryOutside", elfWithNote(xenNote(mib - 1))],
  ["an entry behind its segment", "entryOutside", elfWithNote(xenNote(mib + 0x1000))],
  ["no note", "noNote", elfFile({ segments: [code()] })],
  [
    "a note of another owner",
    "noNote",
    elfWithNote(notes([{ name: "Xem", type: 18, content: [0, 0, 0x10, 0] }])),
  ],
  [
    "a note of a longer name",
    "noNote",
    elfWithNote(notes([{ name: "Xen\0more", type: 18, content: [0, 0, 0x10, 0] }])),
  ],
  [
    "a note of another type",
    "noNote",
    elfWithNote(notes([{ name: "Xen", type: 17, content: [0, 0, 0x10, 0] }])),
  ],
  [
    "a note segment beyond the end",
    "segmentOutside",
    pvhKernel(mib, { change: (v) => v.setUint32(52 + 32 + 16, 21, true) }),
  ],
  ["a note without its descriptor", "noteOutside", elfWithNote(xenNote(mib).subarray(0, 16))],
  [
    "a note whose name is as long as can be",
    "noteOutside",
    elfWithNote(change(xenNote(mib), 0, 0xffff_ffff)),
  ],
  ["a note that is as long as can be", "noteOutside", elfWithNote(change(xenNote(mib), 4, 0xffff_ffff))],
  ["a note of 5 bytes", "noteSize", elfWithNote(xenNote(mib, 5))],
  ["a note of no bytes", "noteSize", elfWithNote(xenNote(mib, 0))],
  ["a note header cut off", "noNote", elfWithNote(xenNote(mib).subarray(0, 11))],
];

function elfWith(...segments: readonly SegmentOptions[]): Uint8Array {
  return elfFile({ segments: [...segments, note(xenNote(mib))] });
}

function elfWithNote(content: Uint8Array): Uint8Array {
  return elfFile({ segments: [code(), note(content)] });
}

function change(bytes: Uint8Array, at: number, value: number): Uint8Array {
  new DataView(bytes.buffer).setUint32(at, value, true);
  return bytes;
}

for (const [what, fault, file] of wrong) {
  test(`${what} is refused: ${fault}`, (t) => {
    t.is(KernelFault[read("pvh", file).found.fault], fault);
  });
}

test("a multiboot kernel of ELF is entered where its virtual entry point lies in memory", (t) => {
  const file = multibootKernel(3, mib, {
    entry: 0xc000_0010,
    segments: [
      {
        virtualAddress: 0xc000_0000,
        physicalAddress: 3 * mib,
        data: Uint8Array.from([...multibootHeader(3), ...data(52)]),
      },
    ],
  });
  t.like(read("multiboot", file).found, { fault: 0, entry: BigInt(3 * mib + 0x10) });
});

test("an entry point that two segments hold by their virtual addresses is that of the first", (t) => {
  const first = Uint8Array.from([...multibootHeader(3), ...data(52)]);
  const file = multibootKernel(3, mib, {
    entry: 0x10,
    segments: [
      { virtualAddress: 0, physicalAddress: 3 * mib, data: first },
      { virtualAddress: 0, physicalAddress: 2 * mib, data: data(64) },
    ],
  });
  t.is(read("multiboot", file).found.entry, BigInt(3 * mib + 0x10));
});

test("a multiboot header is found on every multiple of 4 that leaves room for it in 8,192 bytes", (t) => {
  const at = (place: number, header = multibootHeader(0x1_0003, 0, 0, 0, 0, 0)): number => {
    const file = new Uint8Array(9000);
    file.set(header, place);
    const view = new DataView(file.buffer);
    // The file goes to 1 MiB as it is.
    if (header.length > 12)
      [mib + place, mib, 0, 0, mib].forEach((v, i) => view.setUint32(place + 12 + 4 * i, v, true));
    return read("multiboot", file).found.fault;
  };
  t.is(at(0), KernelFault.none);
  t.is(at(4), KernelFault.none);
  t.is(at(8192 - 32), KernelFault.none);
  t.is(at(8192 - 28), KernelFault.multibootAddresses);
  t.is(at(2), KernelFault.noMultibootHeader);
  // Without address fields 12 bytes are enough, and what follows must be ELF.
  t.is(at(8192 - 12, multibootHeader(3)), KernelFault.noElf);
  t.is(at(8192 - 8, multibootHeader(3)), KernelFault.noMultibootHeader);
  const sum = multibootHeader(3);
  sum[8] = u8(sum[8]! + 1);
  t.is(at(0, sum), KernelFault.noMultibootHeader);
});

const u8 = (value: number): number => value & 0xff;

test("what a multiboot kernel may ask for is given, and what it requires beyond that is refused", (t) => {
  for (const flags of [0, 1, 2, 3, 0x8000_0000, 0x2_0003])
    t.is(read("multiboot", multibootKernel(flags)).found.fault, KernelFault.none, `${flags}`);
  for (const flags of [4, 7, 8, 0x8000])
    t.is(read("multiboot", multibootKernel(flags)).found.fault, KernelFault.multibootFlags, `${flags}`);
});

/** A flat file of `bytes` bytes with its header at 0x10. */
function flat(addresses: readonly number[], bytes = 0x100): Uint8Array {
  const file = data(bytes);
  file.set(multibootHeader(0x1_0003, ...addresses), 0x10);
  return file;
}

test("address fields place the file, a part of it, and what follows it", (t) => {
  const whole = read("multiboot", flat([mib + 0x10, mib, 0, 0, mib + 0x40]));
  t.deepEqual(whole.found, {
    ...{ fault: 0, piece: 0, entry: BigInt(mib + 0x40) },
    ...{ start: BigInt(mib), end: BigInt(mib + 0x100) },
  });
  t.like(whole.pieces[0], { offset: 0n, fileBytes: 0x100n, gpa: BigInt(mib), memoryBytes: 0x100n });
  const part = read("multiboot", flat([mib, mib, mib + 0x20, mib + 0x3000, mib]));
  t.like(part.pieces[0], { offset: 0x10n, fileBytes: 0x20n, gpa: BigInt(mib), memoryBytes: 0x3000n });
  t.is(part.found.end, BigInt(mib + 0x3000));
});

test("address fields count before the headers of an ELF file", (t) => {
  const file = multibootKernel(0x1_0003, mib, {
    segments: [
      {
        virtualAddress: 2 * mib,
        data: Uint8Array.from([...multibootHeader(0x1_0003, 3 * mib, 3 * mib, 0, 0, 3 * mib), ...data(32)]),
      },
    ],
  });
  t.is(read("multiboot", file).found.entry, BigInt(3 * mib));
});

/** header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr that are refused. */
const wrongFields: readonly (readonly [string, keyof typeof KernelFault, readonly number[]])[] = [
  ["a header below the load address", "multibootAddresses", [mib - 4, mib, 0, 0, mib]],
  ["a file that would start before itself", "multibootAddresses", [mib + 0x11, mib, 0, 0, mib]],
  ["a load end below the load address", "multibootAddresses", [mib + 0x10, mib, mib - 1, 0, mib]],
  ["a load end beyond the file", "multibootAddresses", [mib + 0x10, mib, mib + 0x101, 0, mib]],
  ["a BSS end within the data", "multibootAddresses", [mib + 0x10, mib, mib + 0x80, mib + 0x7f, mib]],
  ["a BSS end below everything", "multibootAddresses", [mib + 0x10, mib, 0, 1, mib]],
  ["a BSS beyond memory", "segmentPlace", [mib + 0x10, mib, 0, 0xffff_ffff, mib]],
  ["an entry behind it", "entryOutside", [mib + 0x10, mib, 0, 0, mib + 0x100]],
  ["nothing", "noSegment", [mib, mib, mib, 0, mib]],
];

for (const [what, fault, fields] of wrongFields) {
  test(`address fields with ${what} are refused: ${fault}`, (t) => {
    t.is(KernelFault[read("multiboot", flat(fields)).found.fault], fault);
  });
}

test("a multiboot 2 header is found on every multiple of 8 within 32,768 bytes", (t) => {
  const at = (place: number, header = multiboot2Header([2, [0, 0, 0, 0]], [3, [mib]])): number => {
    const file = new Uint8Array(40_000);
    file.set(header, place);
    // The file goes to 1 MiB as it is.
    const view = new DataView(file.buffer);
    if (header.length > 24) [mib + place, mib].forEach((v, i) => view.setUint32(place + 24 + 4 * i, v, true));
    return read("multiboot2", file).found.fault;
  };
  t.is(at(0), KernelFault.none);
  t.is(at(8), KernelFault.none);
  t.is(at(4), KernelFault.noMultibootHeader);
  t.is(at(32_768 - 64), KernelFault.none);
  t.is(at(32_768 - 56), KernelFault.multibootTag);
  // Without address fields what follows must be ELF.
  t.is(at(0, multiboot2Header()), KernelFault.noElf);
  for (const word of [4, 12]) {
    const other = multiboot2Header();
    other[word] = other[word]! ^ 1;
    t.is(at(0, other), KernelFault.noMultibootHeader, `${word}`);
  }
  t.is(read("multiboot2", multibootKernel()).found.fault, KernelFault.noMultibootHeader);
  t.is(read("multiboot", multiboot2Kernel()).found.fault, KernelFault.noMultibootHeader);
});

/** What is required of multiboot 2, and the tag or the information that it is refused for. */
const required: readonly (readonly [keyof typeof KernelFault, number, readonly Multiboot2Tag[]])[] = [
  ["none", 0, []],
  ["none", 0, [[1, [1, 2, 3, 4, 6, 15, 21]]]],
  ["multibootInformation", 8, [[1, [4, 8]]]],
  ["multibootInformation", 0x1_0001, [[1, [0x1_0001]]]],
  ["none", 0, [[1, [4, 8], "optional"]]],
  ["none", 0, [[4, [2]]]],
  ["none", 0, [[4, [1], "optional"]]],
  ["multibootRequired", 4, [[4, [1]]]],
  ["multibootRequired", 5, [[5, [1024, 768, 32]]]],
  ["none", 0, [[5, [1024, 768, 32], "optional"]]],
  ["none", 0, [[6, []]]],
  [
    "none",
    0,
    [
      [7, []],
      [8, [mib]],
      [9, [mib]],
    ],
  ],
  ["multibootRequired", 11, [[11, []]]],
  ["none", 0, [[11, [1, 2, 3], "optional"]]],
  [
    "multibootTag",
    2,
    [
      [2, [mib, mib, 0]],
      [3, [mib]],
    ],
  ],
  ["multibootTag", 3, [[3, []]]],
  ["multibootTag", 10, [[10, [0, 0, 0]]]],
  ["multibootEntry", 0, [[2, [mib, mib, 0, 0]]]],
];

for (const [fault, about, tags] of required) {
  test(`multiboot 2's ${JSON.stringify(tags)} come to ${fault}`, (t) => {
    const { found } = read("multiboot2", multiboot2Kernel(tags));
    t.deepEqual([KernelFault[found.fault], found.piece], [fault, about]);
  });
}

test("tags of multiboot 2 that have no end within the header are refused", (t) => {
  const size = (at: number, value: number): Executable => {
    const header = multiboot2Header([6, []]);
    const view = new DataView(header.buffer);
    view.setUint32(at, value, true);
    view.setUint32(12, -(0xe852_50d6 + view.getUint32(8, true)), true);
    return read("multiboot2", header).found;
  };
  t.like(size(8, 24), { fault: KernelFault.multibootTag, piece: 0 });
  t.like(size(8, 0xffff_fff8), { fault: KernelFault.multibootTag, piece: 0 });
  t.like(size(20, 7), { fault: KernelFault.multibootTag, piece: 6 });
  t.like(size(20, 0xffff_ffff), { fault: KernelFault.multibootTag, piece: 6 });
});

test("multiboot 2's entry point is a physical address, and otherwise ELF's", (t) => {
  const segments = (tags: readonly Multiboot2Tag[]): SegmentOptions[] => [
    {
      virtualAddress: 0xc000_0000,
      physicalAddress: 3 * mib,
      data: Uint8Array.from([...new Uint8Array(4), ...multiboot2Header(...tags), ...data(64)]),
    },
  ];
  const entry = (tags: readonly Multiboot2Tag[]): bigint =>
    read("multiboot2", elfFile({ entry: 0xc000_0010, segments: segments(tags) })).found.entry;
  t.is(entry([]), BigInt(3 * mib + 0x10));
  t.is(entry([[3, [3 * mib + 0x20]]]), BigInt(3 * mib + 0x20));
});

test("a load address of -1 loads the file from its start", (t) => {
  const header = multiboot2Header([2, [mib + 0x10, 0xffff_ffff, 0, 0]], [3, [mib + 1]]);
  const file = Uint8Array.from([...data(16), ...header, ...data(64)]);
  const { found, pieces } = read("multiboot2", file);
  t.is(found.entry, BigInt(mib + 1));
  t.like(pieces[0], { offset: 0n, gpa: BigInt(mib), fileBytes: BigInt(file.length) });
});

test("a relocatable kernel is moved only where it cannot stay, with its entry point, to the lowest place", (t) => {
  const at = (gpa: number, least: number, most: number, align: number): readonly [number, number, number] => {
    const tags = [[10, [least, most, align, 2], "optional"]] as const;
    const { found } = read("multiboot2", multiboot2Kernel(tags, gpa, { entry: gpa + 4 }));
    return [found.fault, Number(found.start), Number(found.entry)];
  };
  t.deepEqual(at(2 * mib, 0, 0xffff_ffff, 4096), [0, 2 * mib, 2 * mib + 4]);
  t.deepEqual(at(0xc000_0000, 0, 0xffff_ffff, 4096), [0, 0x1000, 0x1004]);
  t.deepEqual(at(0xc000_0000, 0x4001, 0xffff_ffff, 0x4000), [0, 0xc000, 0xc004]);
  t.deepEqual(at(0xc000_0000, mib + 1, 0xffff_ffff, 0), [0, mib + 1, mib + 5]);
  t.deepEqual(at(2 * mib, 3 * mib, 3 * mib + 0xfff, 0x1000), [0, 3 * mib, 3 * mib + 4]);
  t.is(at(2 * mib, 3 * mib, 3 * mib + 0xffe, 0x1000)[0], KernelFault.multibootRange);
});

/** A small generator of numbers, the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("whatever a file holds, nothing beyond it is read, and what is accepted fits", (t) => {
  const originals = [
    ["pvh", pvhKernel()],
    ["pvh", pvhKernel(mib, { wide: true })],
    ["multiboot", multibootKernel()],
    ["multiboot", flat([mib + 0x10, mib, 0, 0, mib])],
    ["multiboot2", multiboot2Kernel([[10, [0, 0xffff_ffff, 4096, 0]]], 0xc000_0000)],
    ["multiboot2", multiboot2Header([2, [mib, mib, 0, 0]], [3, [mib]], [10, [0, 0xffff_ffff, 4096, 0]])],
  ] as const;
  const next = numbers(20);
  const extremes = [0, 1, 0x7f, 0x80, 0xff];
  let accepted = 0;
  for (let round = 0; round < 40_000; round++) {
    const [kind, original] = originals[round % originals.length]!;
    let file = original.slice();
    for (let i = next(4); i >= 0; i--) file[next(file.length)] = extremes[next(extremes.length)]!;
    if (next(4) === 0) file = file.slice(0, next(file.length));
    const { found, pieces } = read(kind, file);
    if (found.fault !== KernelFault.none) continue;
    accepted++;
    for (const p of pieces) {
      if (p.offset + p.fileBytes > BigInt(file.length) && p.fileBytes !== 0n) t.fail("beyond the file");
      if (!rooms.some((r) => r.start <= p.gpa && p.gpa + p.memoryBytes <= r.end)) t.fail("beyond the rooms");
      if (p.gpa + p.memoryBytes > found.end && p.gpa >= BigInt(mib)) t.fail("beyond the end");
    }
    if (!pieces.some((p) => p.gpa <= found.entry && found.entry < p.gpa + p.memoryBytes)) t.fail("entry");
  }
  t.true(accepted > 100 && accepted < 39_900, `${accepted}`);
});
