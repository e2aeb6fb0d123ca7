/** The setup header of a bzImage (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"). */
import type { LinuxKernelFacts } from "../../dsl/manifest/model.ts";

/** Offsets in the file; the header starts at 0x1f1. */
const offsets = {
  setupSectors: 0x1f1,
  protectedModeParagraphs: 0x1f4,
  bootFlag: 0x1fe,
  headerEnd: 0x201,
  signature: 0x202,
  protocol: 0x206,
  versionText: 0x20e,
  loadFlags: 0x211,
  initrdAddrMax: 0x22c,
  kernelAlignment: 0x230,
  relocatable: 0x234,
  xloadflags: 0x236,
  commandLineSize: 0x238,
  payloadOffset: 0x248,
  payloadLength: 0x24c,
  prefAddress: 0x258,
  initSize: 0x260,
} as const;

/** Bytes that must be there to read all of the above. */
const headerBytes = 0x264;
const sectorBytes = 512;
const paragraphBytes = 16;
/** The first protocol with `xloadflags`, and with everything above. */
const oldestProtocol = 0x020c;
const loadedHigh = 0x01;

/** What is wrong with a kernel: the diagnostic's code, and the rest of a sentence that begins with the payload. */
export interface KernelFault {
  readonly code: "TV6103" | "TV6104" | "TV6105";
  readonly why: string;
}

/** Reads the header and holds it against the file's size. */
export function readLinuxHeader(file: Uint8Array): LinuxKernelFacts | KernelFault {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < offsets.signature + 4) {
    return { code: "TV6104", why: `has ${file.length} bytes, which is too short for a Linux kernel` };
  }
  const signature = String.fromCharCode(...file.subarray(offsets.signature, offsets.signature + 4));
  if (view.getUint16(offsets.bootFlag, true) !== 0xaa55 || signature !== "HdrS") {
    return { code: "TV6104", why: `is no bzImage: ${otherKind(file)}` };
  }
  const protocol = view.getUint16(offsets.protocol, true);
  if (protocol < oldestProtocol) {
    const has = `${protocol >> 8}.${protocol & 0xff}`;
    return { code: "TV6105", why: `has boot protocol ${has}, and 2.12 is the oldest that can be booted` };
  }
  if (file.length < headerBytes) return truncated(file.length, headerBytes);
  const setupBytes = ((file[offsets.setupSectors] || 4) + 1) * sectorBytes;
  const protectedModeBytes = view.getUint32(offsets.protectedModeParagraphs, true) * paragraphBytes;
  // The size is in paragraphs, and the last one need not be filled.
  const whole = setupBytes + protectedModeBytes;
  if (file.length + paragraphBytes <= whole) return truncated(file.length, whole);
  if (protectedModeBytes === 0) return { code: "TV6104", why: "has a Linux header and no kernel behind it" };
  if ((file[offsets.loadFlags]! & loadedHigh) === 0) {
    return { code: "TV6105", why: "is a zImage, which loads below 1 MiB, and only bzImages can be booted" };
  }
  const headerEnd = offsets.signature + file[offsets.headerEnd]!;
  const payloadEnd =
    view.getUint32(offsets.payloadOffset, true) + view.getUint32(offsets.payloadLength, true);
  if (headerEnd < headerBytes || headerEnd > setupBytes || payloadEnd > protectedModeBytes) {
    return { code: "TV6104", why: "has a Linux header that contradicts itself" };
  }
  return {
    protocol,
    setupBytes,
    protectedModeBytes,
    relocatable: file[offsets.relocatable] !== 0,
    kernelAlignment: view.getUint32(offsets.kernelAlignment, true),
    prefAddress: Number(view.getBigUint64(offsets.prefAddress, true)),
    initSize: view.getUint32(offsets.initSize, true),
    initrdAddrMax: view.getUint32(offsets.initrdAddrMax, true),
    commandLineSize: view.getUint32(offsets.commandLineSize, true),
    xloadflags: view.getUint16(offsets.xloadflags, true),
    version: versionText(file, view.getUint16(offsets.versionText, true), setupBytes),
  };
}

function truncated(sizeBytes: number, wholeBytes: number): KernelFault {
  return {
    code: "TV6103",
    why: `is truncated: it has ${sizeBytes} bytes, and its header says ${wholeBytes}`,
  };
}

function versionText(file: Uint8Array, pointer: number, setupBytes: number): string | null {
  const start = pointer + 0x200;
  if (pointer === 0 || start >= setupBytes) return null;
  const end = file.indexOf(0, start);
  const bytes = file.subarray(start, end < 0 || end > setupBytes ? setupBytes : end);
  return String.fromCharCode(...bytes.filter((byte) => byte >= 0x20 && byte < 0x7f));
}

/** What a file seems to be that is no bzImage. */
function otherKind(file: Uint8Array): string {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, i) => file[i] === byte);
  if (starts(0x7f, 0x45, 0x4c, 0x46)) return "it is an ELF file, perhaps a vmlinux, which `pvh` boots";
  if (starts(0x1f, 0x8b)) return "it is a gzip file, perhaps an initrd";
  if (starts(0x30, 0x37, 0x30, 0x37, 0x30)) return "it is a cpio archive, perhaps an initrd";
  if (starts(0x4d, 0x5a)) return "it is an EFI or Windows program without a Linux header";
  if (starts(0x21, 0x3c, 0x61, 0x72)) return "it is an archive, perhaps a Debian package";
  return "it has no Linux header";
}
