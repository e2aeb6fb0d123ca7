/** The header that makes a file a multiboot kernel (Multiboot Specification 0.6.96, §3.1), and address fields. */
import { u32, u64 } from "../core/int.ts";
import type { Loads } from "./bytes.ts";
import { KernelFault } from "./fault.ts";

const headerMagic = 0x1bad_b002;
/** The header lies whole within these first bytes, on a multiple of 4. */
const searchBytes = 8192n;
const headerBytes = 12n;
/** With the address fields, and the entry point behind those. */
const longHeaderBytes = 32n;
/** As the load address: the file is loaded from its start (Multiboot2 Specification 2.0, §3.1.5). */
const fromStart = 0xffff_ffff;

/** Bits of the header's flags. */
export const multibootFlags = Object.freeze({ alignModules: 1, memoryInfo: 2, addressFields: 0x1_0000 });
/** What a kernel may require, and more bits of the lower half it must not set. */
const provided = multibootFlags.alignModules | multibootFlags.memoryInfo;
const required = 0xffff;

/** Where the header lies, and what it asks for. */
export interface MultibootHeader {
  readonly fault: u32;
  /** Offset in the file. */
  readonly at: u64;
  /** The address fields are there and say where the file is loaded; otherwise it is an ELF file. */
  readonly addresses: boolean;
}

/** What the address fields come to: one piece of the file at one place. */
export interface AddressFields {
  readonly fault: u32;
  readonly offset: u64;
  readonly fileBytes: u64;
  readonly gpa: u64;
  readonly memoryBytes: u64;
}

/** The reader of multiboot headers. `base` is the file's first byte for `loads`, `size` its length in bytes. */
export interface MultibootReader {
  header(base: u64, size: u64): MultibootHeader;
  /**
   * The address fields at `fieldsAt` of a header at `at`, of either version; the piece that they give lies within the
   * file.
   */
  addressFields(base: u64, size: u64, at: u64, fieldsAt: u64): AddressFields;
}

/** Builds the reader. */
export function multibootReader({ load32 }: Pick<Loads, "load32">): MultibootReader {
  const header = (base: u64, size: u64): MultibootHeader => {
    const end = size < searchBytes ? size : searchBytes;
    for (let at: u64 = 0n; u64(at + headerBytes) <= end; at = u64(at + 4n)) {
      const place = u64(base + at);
      if (load32(place) === headerMagic) {
        const flags = load32(u64(place + 4n));
        const sum = u32(headerMagic + flags + load32(u64(place + 8n)));
        const addresses = (flags & multibootFlags.addressFields) !== 0;
        if (sum === 0) {
          if ((flags & required & ~provided) !== 0)
            return { fault: KernelFault.multibootFlags, at, addresses };
          if (addresses && u64(at + longHeaderBytes) > end)
            return { fault: KernelFault.multibootAddresses, at, addresses };
          return { fault: KernelFault.none, at, addresses };
        }
      }
    }
    return { fault: KernelFault.noMultibootHeader, at: 0n, addresses: false };
  };

  const wrong = (): AddressFields => ({
    fault: KernelFault.multibootAddresses,
    offset: 0n,
    fileBytes: 0n,
    gpa: 0n,
    memoryBytes: 0n,
  });

  const addressFields = (base: u64, size: u64, at: u64, fieldsAt: u64): AddressFields => {
    const fields = u64(base + fieldsAt);
    const headerGpa = load32(fields);
    const told = load32(u64(fields + 4n));
    const loadEnd = load32(u64(fields + 8n));
    const bssEnd = load32(u64(fields + 12n));
    // The header's own place ties offsets in the file to addresses.
    const gpa = told === fromStart ? u32(BigInt(headerGpa) - at) : told;
    if (headerGpa < gpa || BigInt(headerGpa - gpa) > at) return wrong();
    const offset = u64(at - BigInt(headerGpa - gpa));
    if (loadEnd !== 0 && loadEnd < gpa) return wrong();
    const fileBytes = loadEnd === 0 ? u64(size - offset) : u64(loadEnd - gpa);
    if (fileBytes > u64(size - offset)) return wrong();
    if (bssEnd !== 0 && (bssEnd < gpa || BigInt(bssEnd - gpa) < fileBytes)) return wrong();
    return {
      fault: KernelFault.none,
      offset,
      fileBytes,
      gpa: u64(gpa),
      memoryBytes: bssEnd === 0 ? fileBytes : u64(bssEnd - gpa),
    };
  };

  return Object.freeze({ header, addressFields });
}
