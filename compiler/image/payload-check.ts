/**
 * Payloads as the builder sees them: found, read, hashed, and held against what their guests need, so that what cannot
 * boot does not build.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type {
  GuestModel,
  ImageModel,
  LinuxKernelFacts,
  LinuxLoaderModel,
  PayloadFacts,
  PayloadModel,
} from "../../dsl/manifest/model.ts";
import { firmwareSizes } from "../../dsl/manifest/memory.ts";
import { initrdFault } from "./initrd.ts";
import { checkExecutable } from "./executable.ts";
import { readLinuxHeader } from "./linux-header.ts";
import { payloadCodes, PayloadProblem, type PayloadCode, type Place } from "./payload-problem.ts";

export { payloadCodes, PayloadProblem, type PayloadCode };

/** What of a manifest is looked at; places make the diagnostics point somewhere. */
export interface PayloadOwner {
  readonly model: ImageModel;
  readonly payloads?: readonly { readonly declaration: { readonly place: Place } }[];
  readonly guests?: readonly { readonly place: Place }[];
}

/** Where relative paths are looked for, in this order. */
export interface PayloadSearch {
  /** The folder of the image's file. */
  readonly imageFolder: string;
  /** The payloads that the set-up got. */
  readonly cacheFolder: string;
}

/** A payload with its file. */
export interface CheckedPayload {
  readonly model: PayloadModel;
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly facts: PayloadFacts;
}

/** Reads and checks every payload of a manifest, in the model's order. Throws {@link PayloadProblem}. */
export function checkPayloads(owner: PayloadOwner, search: PayloadSearch): CheckedPayload[] {
  const checked = owner.model.payloads.map((payload, i) =>
    checkPayload(payload, search, owner.payloads?.[i]?.declaration.place),
  );
  for (const guest of owner.model.guests) checkGuest(owner, guest, checked);
  return checked;
}

function checkPayload(model: PayloadModel, search: PayloadSearch, place: Place | undefined): CheckedPayload {
  const file = find(model, search, place);
  const bytes = readFileSync(file);
  const fail = (code: PayloadCode, why: string): never => {
    throw new PayloadProblem(code, `payload "${model.path}" ${why}`, place);
  };
  if (bytes.length === 0) return fail("TV6102", "is empty");
  let linux: LinuxKernelFacts | null = null;
  switch (model.role) {
    case "linux-kernel": {
      const found = readLinuxHeader(bytes);
      if ("why" in found) return fail(found.code, found.why);
      linux = found;
      break;
    }
    case "initrd": {
      const fault = initrdFault(bytes);
      if (fault !== undefined) return fail(fault.code, fault.why);
      break;
    }
    case "disk":
      if (bytes.length % 512 !== 0)
        return fail("TV6114", `is to be a disk, and its ${bytes.length} bytes are no whole sectors of 512`);
      break;
    case "bios": {
      const fault = firmwareFault(bytes);
      if (fault !== undefined) return fail("TV6118", fault);
      break;
    }
    case "uefi":
    case "uefi-variables": {
      const fault = uefiFault(model.role, bytes);
      if (fault !== undefined) return fail("TV6118", fault);
      break;
    }
    // Those depend on the guest, and modules are whatever their kernel takes.
    case "pvh-kernel":
    case "multiboot-kernel":
    case "multiboot2-kernel":
    case "module":
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { model, file, bytes, facts: { name: model.name, sizeBytes: bytes.length, sha256, linux } };
}

function find(model: PayloadModel, search: PayloadSearch, place: Place | undefined): string {
  const candidates = isAbsolute(model.path)
    ? [model.path]
    : [join(search.imageFolder, model.path), join(search.cacheFolder, model.path)];
  const file = candidates.find((candidate) => existsSync(candidate));
  if (file === undefined) {
    const where = isAbsolute(model.path)
      ? "there is no such file"
      : "it is neither beside the image's file nor among the payloads that `npm run setup` got";
    throw new PayloadProblem("TV6101", `payload "${model.path}" is missing: ${where}`, place);
  }
  if (!statSync(file).isFile())
    throw new PayloadProblem("TV6101", `payload "${model.path}" is no file`, place);
  return file;
}

const pageBytes = 4096;
/** Firmware fills whole segments of real mode. */
const firmwareUnit = 0x1_0000;
const alignUp = (n: number, to: number): number => Math.ceil(n / to) * to;
const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

function checkGuest(owner: PayloadOwner, guest: GuestModel, payloads: readonly CheckedPayload[]): void {
  const { loader } = guest;
  const place = owner.payloads?.[loader.kernelPayload]?.declaration.place;
  const guestPlace = owner.guests?.[guest.index]?.place;
  const fail = (code: PayloadCode, message: string): never => {
    throw new PayloadProblem(code, message, place, guestPlace && { name: guest.name, place: guestPlace });
  };
  if (loader.kind === "linux") checkLinux(guest, loader, payloads, fail);
  else if ("rooms" in loader) checkExecutable(guest, loader, payloads, fail);
}

/** What is wrong with firmware that is to lie at the end of the first 4 GiB and to start in its last 16 bytes. */
function firmwareFault(bytes: Uint8Array): string | undefined {
  const { mostBytes } = firmwareSizes.bios;
  if (bytes.length > mostBytes || bytes.length % firmwareUnit !== 0) {
    return `has ${bytes.length} bytes, and a BIOS has a multiple of ${firmwareUnit}, at most ${mostBytes}`;
  }
  const start = bytes.subarray(-16);
  if (start.every((byte) => byte === start[0]))
    return "has no code in its last 16 bytes, where it would start";
  return undefined;
}

/** What is wrong with a part of UEFI firmware, both of which together fill its room. */
function uefiFault(role: "uefi" | "uefi-variables", bytes: Uint8Array): string | undefined {
  const { mostBytes, variableBytes } = firmwareSizes.uefi;
  const wanted = role === "uefi" ? mostBytes - variableBytes : variableBytes;
  if (bytes.length !== wanted)
    return `has ${bytes.length} bytes, and ${role === "uefi" ? "UEFI firmware" : "a store of UEFI variables"} has ${wanted}: OVMF's build of 4 MiB`;
  // A firmware volume's header (UEFI Platform Initialization 1.7, vol. 3 §3.2.1).
  if (role === "uefi-variables" && Buffer.from(bytes.subarray(40, 44)).toString("latin1") !== "_FVH")
    return "does not begin with a firmware volume";
  return undefined;
}

function checkLinux(
  guest: GuestModel,
  loader: LinuxLoaderModel,
  payloads: readonly CheckedPayload[],
  fail: (code: PayloadCode, message: string) => never,
): void {
  const kernel = payloads[loader.kernelPayload]!;
  const initrd = loader.initrdPayload === null ? undefined : payloads[loader.initrdPayload]!;
  const linux = kernel.facts.linux!;
  if (loader.commandLine.length > linux.commandLineSize) {
    fail(
      "TV6108",
      `the command line of guest "${guest.name}" has ${loader.commandLine.length} characters, and its kernel "${kernel.model.path}" takes ${linux.commandLineSize}`,
    );
  }
  const end = loadedEnd(linux, loader.kernelGpa);
  const limit = Math.min(loader.loadLimitGpa, linux.initrdAddrMax + 1);
  const initrdBytes = alignUp(initrd?.facts.sizeBytes ?? 0, pageBytes);
  if (end > loader.loadLimitGpa || end + initrdBytes > limit) {
    const needed = mebibytes(end + initrdBytes);
    const what = initrd === undefined ? `kernel "${kernel.model.path}"` : "kernel and initrd";
    fail(
      "TV6107",
      `guest "${guest.name}" has ${mebibytes(guest.memoryBytes)} of memory, and to load its ${what} it needs ${needed} below ${mebibytes(Math.max(limit, end))}`,
    );
  }
}

/** The end of the memory that a kernel needs to start: it is loaded at its preferred address if it can move. */
function loadedEnd(linux: LinuxKernelFacts, fixedGpa: number): number {
  const start = linux.relocatable ? alignUp(linux.prefAddress, Math.max(linux.kernelAlignment, 1)) : fixedGpa;
  return alignUp(start + Math.max(linux.initSize, linux.protectedModeBytes), pageBytes);
}
