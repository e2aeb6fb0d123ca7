/**
 * What can be said of an initrd before a kernel unpacks it: it is a row of cpio archives, each plain or compressed as
 * a whole (Linux Documentation/driver-api/early-userspace/buffer-format.rst).
 */
import { gunzipSync } from "node:zlib";

/** What is wrong with an initrd, and the rest of a sentence that begins with the payload. */
export interface InitrdFault {
  readonly code: "TV6103" | "TV6106";
  readonly why: string;
}

// A kernel that has the decompressor can use these; without unpacking them only the beginning is known.
const compressions: readonly { readonly name: string; readonly magic: readonly number[] }[] = [
  { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: "lz4", magic: [0x02, 0x21, 0x4c, 0x18] },
  { name: "lzop", magic: [0x89, 0x4c, 0x5a, 0x4f] },
  { name: "bzip2", magic: [0x42, 0x5a, 0x68] },
  { name: "lzma", magic: [0x5d, 0x00, 0x00] },
];

const startsWith = (data: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, i) => data[i] === byte);
const text = (data: Uint8Array, start: number, length: number): string =>
  String.fromCharCode(...data.subarray(start, start + length));

/** Looks through an initrd; undefined where nothing is wrong. */
export function initrdFault(file: Uint8Array): InitrdFault | undefined {
  let rest = file;
  while (rest.length > 0) {
    if (startsWith(rest, [0x1f, 0x8b])) return gzipFault(rest);
    if (compressions.some(({ magic }) => startsWith(rest, magic))) return undefined;
    const end = archiveEnd(rest);
    if (typeof end !== "number") return end;
    let next = end;
    while (next < rest.length && rest[next] === 0) next++;
    rest = rest.subarray(next);
  }
  return undefined;
}

function gzipFault(file: Uint8Array): InitrdFault | undefined {
  let data: Buffer;
  try {
    data = gunzipSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "Z_BUF_ERROR") return { code: "TV6103", why: "is truncated: its gzip stream has no end" };
    return { code: "TV6106", why: "is no gzip file, although it begins like one" };
  }
  const end = archiveEnd(data);
  return typeof end === "number" ? undefined : end;
}

const headerBytes = 110;
const align4 = (n: number): number => Math.ceil(n / 4) * 4;

/** Where an archive of the "new ASCII" format ends, or what is wrong with it. */
function archiveEnd(data: Uint8Array): number | InitrdFault {
  const magics = ["070701", "070702"];
  if (!magics.includes(text(data, 0, 6))) {
    return { code: "TV6106", why: "is no initrd: it holds no cpio archive of the newc format" };
  }
  let offset = 0;
  for (;;) {
    if (offset + headerBytes > data.length) break;
    if (!magics.includes(text(data, offset, 6))) {
      return { code: "TV6106", why: `is damaged: its cpio archive has no entry at byte ${offset}` };
    }
    const field = (index: number): number => Number.parseInt(text(data, offset + 6 + index * 8, 8), 16);
    const sizeBytes = field(6);
    const nameBytes = field(11);
    if (Number.isNaN(sizeBytes + nameBytes) || nameBytes === 0) {
      return { code: "TV6106", why: `is damaged: its cpio archive has no entry at byte ${offset}` };
    }
    const nameStart = offset + headerBytes;
    const name = text(data, nameStart, Math.min(nameBytes - 1, 16));
    offset = align4(align4(nameStart + nameBytes) + sizeBytes);
    if (offset - 3 > data.length) break;
    if (name === "TRAILER!!!") return Math.min(offset, data.length);
  }
  return { code: "TV6103", why: "is truncated: its cpio archive has no end" };
}
