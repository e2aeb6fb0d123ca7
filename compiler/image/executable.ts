/** Kernels that tell themselves where they go, held against their guest with the source that will load them. */
import type { ExecutableLoaderModel, GuestModel } from "../../dsl/manifest/model.ts";
import { hex } from "../../dsl/manifest/error.ts";
import type { Loads } from "../../dsl/payload/bytes.ts";
import { maxProgramHeaders } from "../../dsl/payload/elf.ts";
import { executableReader, type Executable, type Piece } from "../../dsl/payload/executable.ts";
import { KernelFault } from "../../dsl/payload/fault.ts";
import type { PayloadCode } from "./payload-problem.ts";

/** A payload as far as this looks at it. */
export interface ExecutablePayload {
  readonly model: { readonly path: string };
  readonly bytes: Uint8Array;
}

/** Where a message says which segment it means. */
type Sentence = (segment: string, piece: Piece | undefined, about: number) => string;

/** Tags of a multiboot header of version 2 that cannot be required, by type. */
const requirements: Readonly<Record<number, string>> = { 4: "a console", 5: "a framebuffer" };

/** What each fault means: its code, and the rest of a sentence that begins with the payload. */
const said: Readonly<Record<Exclude<KernelFault, KernelFault.none>, readonly [PayloadCode, Sentence]>> = {
  [KernelFault.noElf]: ["TV6109", () => "is no ELF file of class 32 or 64 and little-endian"],
  [KernelFault.otherMachine]: ["TV6109", () => "is an ELF file, but no executable for x86"],
  [KernelFault.headerTruncated]: ["TV6103", () => "is truncated: it ends within its ELF header"],
  [KernelFault.tableOutside]: ["TV6103", () => "is truncated: it ends before its program headers do"],
  [KernelFault.tableShape]: [
    "TV6109",
    () => `has program headers of an unknown size, or more than ${maxProgramHeaders} of them`,
  ],
  [KernelFault.noSegment]: ["TV6109", () => "has no segment that is to be loaded"],
  [KernelFault.segmentSizes]: [
    "TV6109",
    (segment, piece) =>
      `has more bytes for ${segment} (${hexOf(piece?.fileBytes)}) than the segment has in memory (${hexOf(piece?.memoryBytes)})`,
  ],
  [KernelFault.segmentOutside]: ["TV6103", (segment) => `is truncated: it ends before ${segment} does`],
  [KernelFault.segmentPlace]: [
    "TV6113",
    (segment, piece) => `wants ${segment} at ${hexOf(piece?.gpa)} with ${hexOf(piece?.memoryBytes)} bytes`,
  ],
  [KernelFault.segmentOverlap]: ["TV6109", (segment) => `lets ${segment} overlap an earlier one`],
  [KernelFault.entryOutside]: ["TV6112", () => "has its entry point in none of its segments"],
  [KernelFault.noNote]: [
    "TV6110",
    () => "has no note XEN_ELFNOTE_PHYS32_ENTRY, so it cannot be started by PVH",
  ],
  [KernelFault.noteOutside]: ["TV6110", () => "has a note that runs beyond its segment"],
  [KernelFault.noteSize]: ["TV6110", () => "has a note XEN_ELFNOTE_PHYS32_ENTRY of neither 4 nor 8 bytes"],
  [KernelFault.noMultibootHeader]: [
    "TV6111",
    () => "has no multiboot header of the version that its guest is loaded by",
  ],
  [KernelFault.multibootFlags]: [
    "TV6111",
    () =>
      "requires by its multiboot header what is not provided: only aligned modules and memory information are",
  ],
  [KernelFault.multibootAddresses]: [
    "TV6111",
    () => "has a multiboot header whose address fields contradict each other or the file",
  ],
  [KernelFault.multibootTag]: [
    "TV6111",
    (_segment, _piece, tag) =>
      tag === 0
        ? "has a multiboot header whose tags have no end within it"
        : `has a multiboot header whose tag of type ${tag} is too short, or runs beyond it`,
  ],
  [KernelFault.multibootRequired]: [
    "TV6111",
    (_segment, _piece, tag) =>
      `requires by its multiboot header what is not provided: ${requirements[tag] ?? `a tag of type ${tag}`}`,
  ],
  [KernelFault.multibootInformation]: [
    "TV6111",
    (_segment, _piece, type) =>
      `requires by its multiboot header information of type ${type}, which is not provided`,
  ],
  [KernelFault.multibootRange]: [
    "TV6113",
    () => "is moved by its multiboot header to where its guest has no place",
  ],
  [KernelFault.multibootEntry]: [
    "TV6111",
    () => "has a multiboot header with address fields, and none with the entry point",
  ],
};

/** Checks the kernel and the modules of a guest, and calls `fail` with what is wrong. */
export function checkExecutable(
  guest: GuestModel,
  loader: ExecutableLoaderModel,
  payloads: readonly ExecutablePayload[],
  fail: (code: PayloadCode, message: string) => never,
): void {
  const kernel = payloads[loader.kernelPayload]!;
  const rooms = loader.rooms.map(({ gpa, sizeBytes }) => ({
    start: BigInt(gpa),
    end: BigInt(gpa + sizeBytes),
  }));
  const reader = executableReader(loader.kind, loadsOf(kernel.bytes), rooms);
  const size = BigInt(kernel.bytes.length);
  const layout = reader.layout(0n, size);
  const found: Executable = reader.check(0n, size, layout);
  if (found.fault !== KernelFault.none) {
    const [code, why] = said[found.fault as keyof typeof said];
    const piece = layout.fault === KernelFault.none ? reader.piece(0n, size, layout, found.piece) : undefined;
    const segment = layout.byFields ? "its piece" : `segment ${found.piece}`;
    const free = rooms.map((r) => `${hexOf(r.start)} to ${hexOf(r.end - 1n)}`).join(", ");
    const where = code === "TV6113" ? `, and guest "${guest.name}" has room for it at ${free}` : "";
    fail(code, `payload "${kernel.model.path}" ${why(segment, piece, found.piece)}${where}`);
  }
  const needed = loader.modules.reduce(
    (sum, { payload }) => sum + alignUp(payloads[payload]!.bytes.length, pageBytes),
    0,
  );
  const end = alignUp(Number(found.end), pageBytes);
  if (end + needed > loader.loadLimitGpa) {
    fail(
      "TV6107",
      `guest "${guest.name}" has ${mebibytes(guest.memoryBytes)} of memory, and to load its kernel "${kernel.model.path}" with its modules it needs ${mebibytes(end + needed)} below ${mebibytes(loader.loadLimitGpa)}`,
    );
  }
}

const pageBytes = 4096;
const alignUp = (n: number, to: number): number => Math.ceil(n / to) * to;
const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

function hexOf(value: bigint | undefined): string {
  return hex(Number(value ?? 0n));
}

/** Loads that throw beyond the payload's end: there the reader would have a defect. */
function loadsOf(bytes: Uint8Array): Loads {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    load16: (at) => view.getUint16(Number(at), true),
    load32: (at) => view.getUint32(Number(at), true),
    load64: (at) => view.getBigUint64(Number(at), true),
  };
}
