/** ELF files and multiboot headers for tests: whole ones, and whatever a test breaks of them. */

/** A program header. What is left out is 0, and `physicalAddress` is `virtualAddress` then. */
export interface SegmentOptions {
  readonly type?: number;
  readonly virtualAddress?: number;
  readonly physicalAddress?: number;
  readonly data?: Uint8Array;
  readonly memoryBytes?: number;
  readonly align?: number;
}

/** What to make. */
export interface ElfOptions {
  readonly wide?: boolean;
  readonly entry?: number;
  readonly segments: readonly SegmentOptions[];
  /** Changes the bytes at last. */
  readonly change?: (view: DataView) => void;
}

/** Offsets of fields of the header and of a program header, by class. */
export const elfFields = {
  narrow: { tableAt: 28, entryBytes: 42, count: 44, header: 52, segment: 32, fileBytes: 16, offset: 4 },
  wide: { tableAt: 32, entryBytes: 54, count: 56, header: 64, segment: 56, fileBytes: 32, offset: 8 },
} as const;

/** The bytes of an ELF executable for x86, its data behind its program headers. */
export function elfFile({ wide = false, entry = 0, segments, change }: ElfOptions): Uint8Array {
  const at = wide ? elfFields.wide : elfFields.narrow;
  const dataAt = at.header + at.segment * segments.length;
  const sizes = segments.map((s) => s.data?.length ?? 0);
  const offsets = sizes.map((_, i) => dataAt + sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const file = new Uint8Array(dataAt + sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(file.buffer);
  const word = (place: number, value: number): void =>
    wide ? view.setBigUint64(place, BigInt(value), true) : view.setUint32(place, value, true);
  file.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, wide ? 62 : 3, true);
  view.setUint32(20, 1, true);
  word(24, entry);
  word(at.tableAt, at.header);
  view.setUint16(at.entryBytes, at.segment, true);
  view.setUint16(at.count, segments.length, true);
  segments.forEach((s, i) => {
    const place = at.header + at.segment * i;
    const size = sizes[i]!;
    view.setUint32(place, s.type ?? 1, true);
    const virtual = s.virtualAddress ?? 0;
    const values = [offsets[i]!, virtual, s.physicalAddress ?? virtual, size, s.memoryBytes ?? size];
    // The wide form has its flags in front of these, the narrow one between them and the alignment.
    values.forEach((value, j) => word(place + (wide ? 8 + 8 * j : 4 + 4 * j), value));
    word(place + (wide ? 48 : 28), s.align ?? 0);
    file.set(s.data ?? [], offsets[i]!);
  });
  change?.(view);
  return file;
}

/** A note segment's bytes: names and descriptors padded to `align`. */
export function notes(
  list: readonly { readonly name: string; readonly type: number; readonly content: readonly number[] }[],
  align = 4,
): Uint8Array {
  const out: number[] = [];
  const pad = (): void => {
    while (out.length % align !== 0) out.push(0);
  };
  for (const { name, type, content } of list) {
    for (const value of [name.length + 1, content.length, type]) out.push(...word32(value));
    out.push(...[...name].map((c) => c.charCodeAt(0)), 0);
    pad();
    out.push(...content);
    pad();
  }
  return Uint8Array.from(out);
}

/** The note that makes an ELF file a PVH kernel. */
export function xenNote(entry: number, bytes = 4): Uint8Array {
  const content = [...word32(entry), 0, 0, 0, 0, 0, 0, 0, 0].slice(0, bytes);
  return notes([{ name: "Xen", type: 18, content }]);
}

/** A kernel of 64 bytes of code at `gpa`, with the note and with room behind it, entered at its start. */
export function pvhKernel(gpa = 0x10_0000, options: Partial<ElfOptions> = {}): Uint8Array {
  const code = { virtualAddress: gpa, data: new Uint8Array(64).fill(0x90), memoryBytes: 0x1000 };
  return elfFile({ entry: gpa, segments: [code, { type: 4, data: xenNote(gpa) }], ...options });
}

/** A multiboot header, with its checksum. */
export function multibootHeader(flags: number, ...addresses: readonly number[]): Uint8Array {
  const magic = 0x1bad_b002;
  return Uint8Array.from(
    [magic, flags, -(magic + flags), ...addresses].flatMap((value) => word32(value >>> 0)),
  );
}

/** A multiboot kernel that is an ELF file of 64 bytes of code at `gpa`, its header among them. */
export function multibootKernel(flags = 3, gpa = 0x10_0000, options: Partial<ElfOptions> = {}): Uint8Array {
  const data = new Uint8Array(64).fill(0x90);
  data.set(multibootHeader(flags), 16);
  // The program header table may leave the header off a multiple of 4: 52 and 32 are none.
  return elfFile({ entry: gpa, segments: [{ virtualAddress: gpa, data, memoryBytes: 0x1000 }], ...options });
}

/** A tag of a multiboot header of version 2: its type, its 32-bit fields, and whether it may be left out. */
export type Multiboot2Tag = readonly [type: number, fields: readonly number[], optional?: "optional"];

/** A multiboot header of version 2, with its checksum and its last tag. */
export function multiboot2Header(...tags: readonly Multiboot2Tag[]): Uint8Array {
  const all = [...tags, [0, []] as const].flatMap(([type, fields, optional]) => {
    const words = [type + (optional === undefined ? 0 : 0x1_0000), 8 + 4 * fields.length, ...fields];
    return words.length % 2 === 0 ? words : [...words, 0];
  });
  const magic = 0xe852_50d6;
  const bytes = 16 + 4 * all.length;
  return Uint8Array.from([magic, 0, bytes, -(magic + bytes), ...all].flatMap((value) => word32(value >>> 0)));
}

/** A multiboot 2 kernel that is an ELF file with code at `gpa`, its header in front of the code. */
export function multiboot2Kernel(
  tags: readonly Multiboot2Tag[] = [],
  gpa = 0x10_0000,
  options: Partial<ElfOptions> = {},
): Uint8Array {
  const header = multiboot2Header(...tags);
  // The headers of ELF leave what follows at 84 or 120 bytes.
  const lead = new Uint8Array(options.wide === true ? 0 : 4);
  const data = Uint8Array.from([...lead, ...header, ...new Uint8Array(64).fill(0x90)]);
  return elfFile({ entry: gpa, segments: [{ virtualAddress: gpa, data, memoryBytes: 0x1000 }], ...options });
}

function word32(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}
