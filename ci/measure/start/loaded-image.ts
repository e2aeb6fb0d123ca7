/** Where the firmware has put an image, found in the machine's memory. */

const pageBytes = 4096;
/** PE format: "MS-DOS Stub", "Signature", "Optional Header". */
const dosSignature = 0x5a4d;
const placeOfPe = 0x3c;
const peSignature = 0x4550;
const optionalHeader = 24;
const entryPoint = optionalHeader + 16;
const imageBase = optionalHeader + 24;
const sizeOfImage = optionalHeader + 56;

/** What tells an image from others. */
interface ImageHeader {
  /** The entry point, relative to the image. */
  readonly entry: number;
  readonly base: number;
  readonly bytes: number;
}

/** The header of an image (PE32+) at a place in bytes; undefined where there is none. */
export function imageHeader(bytes: Buffer, at = 0): ImageHeader | undefined {
  if (bytes.length < at + pageBytes || bytes.readUInt16LE(at) !== dosSignature) return undefined;
  const pe = at + bytes.readUInt32LE(at + placeOfPe);
  if (pe + sizeOfImage + 4 > at + pageBytes || bytes.readUInt32LE(pe) !== peSignature) return undefined;
  return {
    entry: bytes.readUInt32LE(pe + entryPoint),
    base: Number(bytes.readBigUInt64LE(pe + imageBase)),
    bytes: bytes.readUInt32LE(pe + sizeOfImage),
  };
}

/**
 * The address of an image in memory. The firmware writes it into the header, which tells the image from a copy of its file.
 * @throws where it is not there, or at several places
 */
export function loadedAt(memory: Buffer, image: Buffer): number {
  const wanted = imageHeader(image);
  if (wanted === undefined) throw new Error("what was built is no UEFI application");
  const found: number[] = [];
  for (let at = 0; at < memory.length; at += pageBytes) {
    const header = imageHeader(memory, at);
    if (header?.base === at && header.entry === wanted.entry && header.bytes === wanted.bytes) found.push(at);
  }
  if (found.length !== 1) throw new Error(`the image is at ${found.length} places of the machine's memory`);
  return found[0];
}
