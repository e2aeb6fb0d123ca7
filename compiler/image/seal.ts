/**
 * Sealing: payloads as one more section of the linked image, so that the firmware loads them and one file is the whole
 * appliance. The linker never sees them, so a large payload costs no link time and no relocation.
 *
 * The section `.payload` is read-only data. It starts with a page that holds
 *
 *     u64 count, then for each payload { u64 offset from the section's start, u64 bytes }
 *
 * with offset 0 for a payload that is not sealed, and each payload follows on a page of its own.
 */
import { InputFailure } from "../failure.ts";

/** Name of the section; PE names have at most 8 characters. */
export const payloadSection = ".payload";
const pageBytes = 4096;
/** Payloads for which the first page has room. */
const mostPayloads = Math.floor((pageBytes - 8) / 16);

const alignUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** The section's content for payloads in the manifest's order; undefined for one that lies elsewhere. */
export function payloadSectionContent(payloads: readonly (Uint8Array | undefined)[]): Uint8Array {
  if (payloads.length > mostPayloads)
    throw new InputFailure(`an image holds at most ${mostPayloads} payloads`);
  let end = pageBytes;
  const offsets = payloads.map((payload) => {
    if (payload === undefined) return 0;
    const offset = end;
    end = alignUp(end + payload.length, pageBytes);
    return offset;
  });
  const content = new Uint8Array(end);
  const view = new DataView(content.buffer);
  view.setBigUint64(0, BigInt(payloads.length), true);
  payloads.forEach((payload, i) => {
    if (payload === undefined) return;
    view.setBigUint64(8 + i * 16, BigInt(offsets[i]!), true);
    view.setBigUint64(16 + i * 16, BigInt(payload.length), true);
    content.set(payload, offsets[i]);
  });
  return content;
}

// Offsets into the headers: Microsoft PE format, "COFF File Header", "Optional Header", "Section Table".
const peOffsetAt = 0x3c;
const numberOfSectionsAt = 6;
const sizeOfOptionalHeaderAt = 20;
const optionalHeaderAt = 24;
const sizeOfInitializedDataAt = 8;
const sectionAlignmentAt = 32;
const fileAlignmentAt = 36;
const sizeOfImageAt = 56;
const sizeOfHeadersAt = 60;
const sectionHeaderBytes = 40;
/** IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ */
const readOnlyData = 0x4000_0040;

/** Adds a section of read-only data behind the last one of a PE32+ image. Throws where the headers have no room. */
export function addSection(image: Uint8Array, name: string, content: Uint8Array): Uint8Array {
  const old = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const pe = old.getUint32(peOffsetAt, true);
  const sections = old.getUint16(pe + numberOfSectionsAt, true);
  const optional = pe + optionalHeaderAt;
  const table = optional + old.getUint16(pe + sizeOfOptionalHeaderAt, true);
  const header = table + sections * sectionHeaderBytes;
  if (header + sectionHeaderBytes > old.getUint32(optional + sizeOfHeadersAt, true)) {
    throw new Error("the image's headers have no room for another section");
  }
  const sectionAlignment = old.getUint32(optional + sectionAlignmentAt, true);
  const fileAlignment = old.getUint32(optional + fileAlignmentAt, true);
  const rva = alignUp(old.getUint32(optional + sizeOfImageAt, true), sectionAlignment);
  const fileOffset = alignUp(image.length, fileAlignment);
  const fileBytes = alignUp(content.length, fileAlignment);
  const result = new Uint8Array(fileOffset + fileBytes);
  result.set(image);
  result.set(content, fileOffset);
  const view = new DataView(result.buffer);
  new TextEncoder().encodeInto(name, result.subarray(header, header + 8));
  view.setUint32(header + 8, content.length, true);
  view.setUint32(header + 12, rva, true);
  view.setUint32(header + 16, fileBytes, true);
  view.setUint32(header + 20, fileOffset, true);
  view.setUint32(header + 36, readOnlyData, true);
  view.setUint16(pe + numberOfSectionsAt, sections + 1, true);
  const data = optional + sizeOfInitializedDataAt;
  view.setUint32(data, view.getUint32(data, true) + fileBytes, true);
  view.setUint32(optional + sizeOfImageAt, rva + alignUp(content.length, sectionAlignment), true);
  return result;
}
