/**
 * The ACPI tables as firmware takes them: in files, with a script that says how to place and to link them (QEMU,
 * docs/specs/fw_cfg.rst, "etc/table-loader"; commands as in hw/acpi/bios-linker-loader.c).
 */
import { ascii, littleEndian } from "./aml.ts";
import type { AcpiInput } from "./input.ts";
import { headerBytes } from "./table.ts";
import { acpiTables } from "./tables.ts";

/** The files. */
export interface LinkedTables {
  readonly tables: readonly number[];
  readonly rootPointer: readonly number[];
  readonly script: readonly number[];
}

/** What the files are called; the script names them. */
export const linkedNames = Object.freeze({
  tables: "etc/acpi/tables",
  rootPointer: "etc/acpi/rsdp",
  script: "etc/table-loader",
} as const);

const commandBytes = 128;
const nameBytes = 56;
/** Commands, and zones of `allocate`. */
const command = { allocate: 1, addPointer: 2, addChecksum: 3 } as const;
const zone = { high: 1, low: 2 } as const;

type Bytes = readonly number[];

function padded(bytes: Bytes, length: number): Bytes {
  return [...bytes, ...new Array<number>(length - bytes.length).fill(0)];
}
const name = (file: string): Bytes => padded(ascii(file), nameBytes);
const entry = (kind: number, ...fields: readonly Bytes[]): Bytes =>
  padded([...littleEndian(kind, 4), ...fields.flat()], commandBytes);

const allocate = (file: string, alignment: number, where: number): Bytes =>
  entry(command.allocate, name(file), littleEndian(alignment, 4), [where]);
/** The pointer at `offset` of a file is relative to the tables' file, and becomes an address. */
const addPointer = (file: string, offset: number, bytes: number): Bytes =>
  entry(command.addPointer, name(file), name(linkedNames.tables), littleEndian(offset, 4), [bytes]);
const addChecksum = (file: string, offset: number, start: number, length: number): Bytes =>
  entry(command.addChecksum, name(file), ...[offset, start, length].map((n) => littleEndian(n, 4)));

/** Pointers in the FADT (ACPI 6.5 table 5.9): FIRMWARE_CTRL, DSDT, X_DSDT. */
const fadtPointers = [
  { offset: 36, bytes: 4 },
  { offset: 40, bytes: 4 },
  { offset: 140, bytes: 8 },
] as const;
const checksumAt = 9;
/** Of the root pointer (§5.2.5.3). */
const root = { checksumAt: 8, firstBytes: 20, xsdtAt: 24, extendedChecksumAt: 32, bytes: 36 } as const;
/** Tables have this alignment, FACS needs it. */
const alignment = 64;
/** More than any guest's tables have. */
const mostBytes = 2 ** 20;

/** Generates the tables with their script. */
export function linkedTables(input: AcpiInput): LinkedTables {
  // FACS first; addresses are offsets in the file.
  const places = {
    tables: { gpa: alignment, sizeBytes: mostBytes },
    nvs: { gpa: 0 },
    rsdpGpa: 0,
  };
  const made = acpiTables(input, places).tables;
  const rootPointer = made.find((t) => t.signature === "RSD PTR ")!;
  const tables = made.filter((t) => t !== rootPointer);
  const bytes = new Array<number>(Math.max(...tables.map((t) => t.gpa + t.bytes.length))).fill(0);
  for (const t of tables) bytes.splice(t.gpa, t.bytes.length, ...t.bytes);
  const pointers = tables.flatMap((t) => {
    if (t.signature === "FACP") return fadtPointers.map((p) => ({ ...p, offset: t.gpa + p.offset }));
    if (t.signature !== "XSDT") return [];
    const count = (t.bytes.length - headerBytes) / 8;
    return Array.from({ length: count }, (_, i) => ({ offset: t.gpa + headerBytes + 8 * i, bytes: 8 }));
  });
  const summed = tables.filter((t) => t.signature !== "FACS");
  // The sum is taken over what is there, so it starts with 0.
  for (const t of summed) bytes[t.gpa + checksumAt] = 0;
  const rootBytes = [...rootPointer.bytes];
  rootBytes[root.checksumAt] = 0;
  rootBytes[root.extendedChecksumAt] = 0;
  const script = [
    allocate(linkedNames.rootPointer, 16, zone.low),
    allocate(linkedNames.tables, alignment, zone.high),
    ...pointers.map((p) => addPointer(linkedNames.tables, p.offset, p.bytes)),
    ...summed.map((t) => addChecksum(linkedNames.tables, t.gpa + checksumAt, t.gpa, t.bytes.length)),
    addPointer(linkedNames.rootPointer, root.xsdtAt, 8),
    addChecksum(linkedNames.rootPointer, root.checksumAt, 0, root.firstBytes),
    addChecksum(linkedNames.rootPointer, root.extendedChecksumAt, 0, root.bytes),
  ];
  return Object.freeze({
    tables: Object.freeze(bytes),
    rootPointer: Object.freeze(rootBytes),
    script: Object.freeze(script.flat()),
  });
}
