/** The sections of this image in memory, from the PE headers that the firmware loaded with it (PE format §3, §4). */
import { load16, load32, load64 } from "../../dsl/core/intrinsics.ts";
import { u64 } from "../../dsl/core/int.ts";
import { access, mapRange, type AddressSpace } from "./paging.ts";

const executable = 0x2000_0000;
const writable = 0x8000_0000;
/** More sections than the linker makes. */
const maxSections = 32;

function headerOf(base: u64): u64 {
  return u64(base + BigInt(load32(u64(base + 0x3cn))));
}

/** Bytes that the image takes in memory. */
export function imageBytesAt(base: u64): u64 {
  return u64((BigInt(load32(u64(headerOf(base) + 80n))) + 0xfffn) & ~0xfffn);
}

/**
 * Maps the image's sections with the access that each needs, over the plain mapping of all memory. False: the pool is
 * empty, or a section is both writable and executable.
 */
export function mapImage(space: AddressSpace, base: u64): boolean {
  const header = headerOf(base);
  const sections = load16(u64(header + 6n));
  const first = u64(header + 24n + BigInt(load16(u64(header + 20n))));
  // Headers and gaps between sections are read only.
  if (!mapRange(space, base, imageBytesAt(base), access.read)) return false;
  for (let i = 0; i < maxSections; i++) {
    if (i >= sections) break;
    const at = u64(first + BigInt(40 * i));
    const bytes = u64((BigInt(load32(u64(at + 8n))) + 0xfffn) & ~0xfffn);
    const start = u64(base + BigInt(load32(u64(at + 12n))));
    const flags = load32(u64(at + 36n));
    const isExecutable = (flags & executable) !== 0;
    const isWritable = (flags & writable) !== 0;
    if (isExecutable && isWritable) return false;
    const rights = isExecutable ? access.readExecute : isWritable ? access.readWrite : access.read;
    if (!mapRange(space, start, bytes, rights)) return false;
  }
  return true;
}

/** Where the section with a name (8 bytes, little-endian) lies in memory; both 0 where there is none. */
export function sectionAt(base: u64, name: u64): { address: u64; bytes: u64 } {
  const header = headerOf(base);
  const sections = load16(u64(header + 6n));
  const first = u64(header + 24n + BigInt(load16(u64(header + 20n))));
  for (let i = 0; i < maxSections; i++) {
    if (i >= sections) break;
    const at = u64(first + BigInt(40 * i));
    if (load64(at) === name)
      return { address: u64(base + BigInt(load32(u64(at + 12n)))), bytes: BigInt(load32(u64(at + 8n))) };
  }
  return { address: 0n, bytes: 0n };
}
