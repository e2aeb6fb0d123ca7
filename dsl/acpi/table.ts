/** The frame of an ACPI table: header and checksum (ACPI 6.5 §5.2.6). */
import { ascii, littleEndian } from "./aml.ts";

/** Who made the tables: fixed, so that the same manifest gives the same bytes. */
const oemId = "TYPVSR";
const oemTableId = "TYPEVISR";
const creatorId = "TYPV";

/** Bytes of a header. */
export const headerBytes = 36;

/** The byte that makes the sum of all zero modulo 256. */
export function checksum(bytes: readonly number[]): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}

/** A table of a signature, revision and content, with its header before it. */
export function table(signature: string, revision: number, content: readonly number[]): number[] {
  const bytes = [
    ...ascii(signature),
    ...littleEndian(headerBytes + content.length, 4),
    revision,
    0,
    ...ascii(oemId),
    ...ascii(oemTableId),
    ...littleEndian(1, 4),
    ...ascii(creatorId),
    ...littleEndian(1, 4),
    ...content,
  ];
  bytes[9] = checksum(bytes);
  return bytes;
}

/** The root pointer, revision 2 (§5.2.5.3). */
export function rootPointer(xsdtGpa: number): number[] {
  const first = [...ascii("RSD PTR "), 0, ...ascii(oemId), 2, ...littleEndian(0, 4)];
  first[8] = checksum(first);
  const bytes = [...first, ...littleEndian(36, 4), ...littleEndian(xsdtGpa, 8), 0, 0, 0, 0];
  bytes[32] = checksum(bytes);
  return bytes;
}

const spaces = { memory: 0, io: 1 } as const;

/** A generic address structure (§5.2.3.2); `accessBytes` is the width that software is told to use. */
export function genericAddress(
  space: keyof typeof spaces,
  bits: number,
  address: number,
  accessBytes: 1 | 2 | 4 | 8,
): number[] {
  return [spaces[space], bits, 0, { 1: 1, 2: 2, 4: 3, 8: 4 }[accessBytes], ...littleEndian(address, 8)];
}

/** A generic address structure that says "there is none". */
export const noAddress: readonly number[] = Object.freeze(new Array<number>(12).fill(0));
