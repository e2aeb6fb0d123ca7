/** The header that makes a file a multiboot kernel of version 2 (Multiboot2 Specification 2.0, §3.1). */
import { u32, u64 } from "../core/int.ts";
import type { Loads } from "./bytes.ts";
import { KernelFault } from "./fault.ts";

const headerMagic = 0xe852_50d6;
/** The header lies whole within these first bytes, on a multiple of 8. */
const searchBytes = 32_768n;
const headerBytes = 16n;
const tagHeaderBytes = 8n;
/** 32-bit protected mode of i386. */
const i386 = 0;
/** In a tag's flags: who does not know the tag may leave it out. */
const optional = 1;

/** Types of the header's tags (§3.1.3 and following). */
const tags = Object.freeze({
  end: 0,
  informationRequest: 1,
  address: 2,
  entry: 3,
  consoleFlags: 4,
  moduleAlignment: 6,
  efiBootServices: 7,
  efi32Entry: 8,
  efi64Entry: 9,
  relocatable: 10,
});
/** In the console tag's flags: the kernel wants a console of the loader's. */
const consoleRequired = 1;

/** Types of the information's tags that are provided (§3.6). */
export const informationTags = Object.freeze({
  end: 0,
  commandLine: 1,
  loaderName: 2,
  module: 3,
  memory: 4,
  memoryMap: 6,
  acpiNew: 15,
  loadBase: 21,
});

const provided = Object.freeze(Object.values(informationTags));

/** What a header says. Offsets in the file are 0 where the tag is not there. */
export interface Multiboot2Header {
  readonly fault: u32;
  /** The type of the tag that the fault is about. */
  readonly tag: u32;
  /** Offset of the header. */
  readonly at: u64;
  /** Offset of the address fields. */
  readonly fieldsAt: u64;
  /** Offset of the entry point, a physical address. */
  readonly entryAt: u64;
  /** Offset of the lowest and the highest address, and the alignment, to which the file may be moved. */
  readonly rangeAt: u64;
}

/** The reader of headers of version 2. `base` is the file's first byte for `loads`, `size` its length in bytes. */
export interface Multiboot2Reader {
  header(base: u64, size: u64): Multiboot2Header;
}

/** Builds the reader. */
export function multiboot2Reader({ load16, load32 }: Pick<Loads, "load16" | "load32">): Multiboot2Reader {
  const refused = (fault: u32, tag: u32): Multiboot2Header => ({
    fault,
    tag,
    at: 0n,
    fieldsAt: 0n,
    entryAt: 0n,
    rangeAt: 0n,
  });

  /** Whether every type of information in a request is provided, and the first that is not. */
  const requested = (from: u64, end: u64): { readonly ok: boolean; readonly type: u32 } => {
    for (let at: u64 = from; u64(at + 4n) <= end; at = u64(at + 4n)) {
      const type = load32(at);
      let known = false;
      for (const other of provided) if (type === other) known = true;
      if (!known) return { ok: false, type };
    }
    return { ok: true, type: 0 };
  };

  /** Follows the tags of the header at `at`, which ends before `end`; both are offsets in the file. */
  const tagsOf = (base: u64, at: u64, end: u64): Multiboot2Header => {
    let fieldsAt: u64 = 0n;
    let entryAt: u64 = 0n;
    let rangeAt: u64 = 0n;
    let tagAt: u64 = u64(at + headerBytes);
    while (u64(tagAt + tagHeaderBytes) <= end) {
      const place = u64(base + tagAt);
      const type = load16(place);
      const required = (load16(u64(place + 2n)) & optional) === 0;
      const bytes = u64(load32(u64(place + 4n)));
      if (bytes < tagHeaderBytes || bytes > u64(end - tagAt)) return refused(KernelFault.multibootTag, type);
      const contentAt = u64(tagAt + tagHeaderBytes);
      const content = u64(bytes - tagHeaderBytes);
      let wanted: u64 = 0n;
      if (type === tags.end) return { fault: KernelFault.none, tag: 0, at, fieldsAt, entryAt, rangeAt };
      if (type === tags.informationRequest) {
        const found = requested(u64(base + contentAt), u64(place + bytes));
        if (required && !found.ok) return refused(KernelFault.multibootInformation, found.type);
      } else if (type === tags.address) {
        wanted = 16n;
        fieldsAt = contentAt;
      } else if (type === tags.entry) {
        wanted = 4n;
        entryAt = contentAt;
      } else if (type === tags.relocatable) {
        wanted = 16n;
        rangeAt = contentAt;
      } else if (type === tags.consoleFlags) {
        wanted = 4n;
        if (required && content >= 4n && (load32(u64(base + contentAt)) & consoleRequired) !== 0)
          return refused(KernelFault.multibootRequired, type);
      } else if (
        required &&
        type !== tags.moduleAlignment &&
        // Those count where the loader is a UEFI application.
        type !== tags.efiBootServices &&
        type !== tags.efi32Entry &&
        type !== tags.efi64Entry
      ) {
        return refused(KernelFault.multibootRequired, type);
      }
      if (content < wanted) return refused(KernelFault.multibootTag, type);
      tagAt = u64((tagAt + bytes + 7n) & ~7n);
    }
    return refused(KernelFault.multibootTag, tags.end);
  };

  const header = (base: u64, size: u64): Multiboot2Header => {
    const end = size < searchBytes ? size : searchBytes;
    for (let at: u64 = 0n; u64(at + headerBytes) <= end; at = u64(at + 8n)) {
      const place = u64(base + at);
      if (load32(place) === headerMagic) {
        const architecture = load32(u64(place + 4n));
        const length = load32(u64(place + 8n));
        const sum = u32(headerMagic + architecture + length + load32(u64(place + 12n)));
        if (sum === 0 && architecture === i386) {
          if (u64(length) > u64(end - at)) return refused(KernelFault.multibootTag, tags.end);
          return tagsOf(base, at, u64(at + u64(length)));
        }
      }
    }
    return refused(KernelFault.noMultibootHeader, 0);
  };

  return Object.freeze({ header });
}
