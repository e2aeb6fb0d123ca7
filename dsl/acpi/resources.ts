/**
 * Resource descriptors: what `_CRS` says a device occupies (ACPI 6.5 §6.4). Small descriptors describe ISA resources,
 * large ones memory, interrupts beyond 15 and the windows of a bridge.
 */
import { buffer, littleEndian, type AmlData } from "./aml.ts";

/** The bytes of one descriptor. */
export interface Resource {
  readonly resource: "resource";
  readonly bytes: readonly number[];
}

/** How an interrupt is signalled. */
export interface Signalling {
  readonly trigger: "edge" | "level";
  readonly polarity: "high" | "low";
  readonly shared: boolean;
}

const resource = (...bytes: number[]): Resource =>
  Object.freeze({ resource: "resource", bytes: Object.freeze(bytes) });
const large = (type: number, content: readonly number[]): Resource =>
  resource(0x80 | type, ...littleEndian(content.length, 2), ...content);

/** A buffer of descriptors, as `_CRS` gives it. Its checksum is 0, "treat as valid" (§6.4.2.9). */
export function resourceTemplate(resources: readonly Resource[]): AmlData {
  return buffer([...resources.flatMap((r) => r.bytes), 0x79, 0]);
}

/** A fixed range of I/O ports, all 16 address bits decoded (§6.4.2.5). */
export function ioPorts(base: number, length: number, alignment = 1): Resource {
  return resource(
    0x47,
    0x01,
    ...littleEndian(base, 2),
    ...littleEndian(base, 2),
    alignment,
    ...littleEndian(length, 1),
  );
}

/** Interrupts of the ISA kind, 0 to 15 (§6.4.2.1); without signalling they are edge-triggered, high and exclusive. */
export function isaInterrupt(irq: number, signalling?: Signalling): Resource {
  const mask = littleEndian(1 << irq, 2);
  if (signalling === undefined) return resource(0x22, ...mask);
  const { trigger, polarity, shared } = signalling;
  const flags = (trigger === "edge" ? 0x01 : 0) | (polarity === "low" ? 0x08 : 0) | (shared ? 0x10 : 0);
  return resource(0x23, ...mask, flags);
}

/** Global system interrupts (§6.4.3.6). */
export function globalInterrupts(gsis: readonly number[], signalling: Signalling): Resource {
  const { trigger, polarity, shared } = signalling;
  // Bit 0: the device consumes the interrupt.
  const flags =
    0x01 | (trigger === "edge" ? 0x02 : 0) | (polarity === "low" ? 0x04 : 0) | (shared ? 0x08 : 0);
  return large(0x09, [flags, gsis.length, ...gsis.flatMap((gsi) => littleEndian(gsi, 4))]);
}

/** A fixed range of memory below 4 GiB (§6.4.3.4). */
export function fixedMemory32(gpa: number, sizeBytes: number, writable: boolean): Resource {
  return large(0x06, [writable ? 1 : 0, ...littleEndian(gpa, 4), ...littleEndian(sizeBytes, 4)]);
}

/** A fixed range of memory anywhere, which the device itself uses (§6.4.3.5.2, general flag 0). */
export function fixedMemory64(gpa: number, sizeBytes: number): Resource {
  return large(addressTypes.qword.type, [0, 0x0d, 1, ...rangeValues(gpa, sizeBytes, 8)]);
}

const addressTypes = {
  word: { type: 0x08, size: 2 },
  dword: { type: 0x07, size: 4 },
  qword: { type: 0x0a, size: 8 },
} as const;

function addressSpace(
  width: keyof typeof addressTypes,
  kind: number,
  typeFlags: number,
  min: number,
  length: number,
): Resource {
  const { type, size } = addressTypes[width];
  // General flags (§6.4.3.5.1): minimum and maximum are fixed (bits 2 and 3), decoded positively, and produced for
  // what lies behind the bridge (bit 0 clear).
  return large(type, [kind, 0x0c, typeFlags, ...rangeValues(min, length, size)]);
}

// Granularity 0, first and last address, no translation, length.
function rangeValues(min: number, length: number, size: 2 | 4 | 8): number[] {
  return [0, min, min + length - 1, 0, length].flatMap((value) => littleEndian(value, size));
}

/** The bus numbers behind a bridge (§6.4.3.5.3). */
export function busNumbers(first: number, count: number): Resource {
  return addressSpace("word", 2, 0, first, count);
}

/** A range of ports that a bridge passes on: ISA and other ranges alike (§6.4.3.5.5, type-specific flags 3). */
export function portWindow(base: number, length: number, width: "word" | "dword" = "word"): Resource {
  return addressSpace(width, 1, 3, base, length);
}

/** A range of memory that a bridge passes on: uncacheable and writable (§6.4.3.5.4). */
export function memoryWindow(gpa: number, sizeBytes: number, width: "dword" | "qword"): Resource {
  return addressSpace(width, 0, 1, gpa, sizeBytes);
}
