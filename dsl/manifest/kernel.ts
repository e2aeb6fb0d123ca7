/** What a guest boots, as a manifest declares it: one function for each way of being loaded. */
import { ManifestError, placeOf } from "./error.ts";
import type { PayloadDeclaration } from "./payload.ts";

/** A kernel that is loaded by Linux's boot protocol. */
export interface LinuxDeclaration {
  readonly kind: "linux";
  readonly kernel: PayloadDeclaration;
  readonly initrd: PayloadDeclaration | undefined;
  readonly commandLine: string;
  readonly place: Error;
}

/** A kernel that is loaded as its ELF headers or its multiboot header say. */
export interface ExecutableDeclaration {
  readonly kind: "pvh" | "multiboot" | "multiboot2";
  readonly kernel: PayloadDeclaration;
  readonly modules: readonly { readonly payload: PayloadDeclaration; readonly commandLine: string }[];
  readonly commandLine: string;
  readonly place: Error;
}

/** Firmware that finds what to boot by itself. */
export interface FirmwareDeclaration {
  readonly kind: FirmwareKind;
  readonly kernel: PayloadDeclaration;
  /** What the flash holds in which UEFI firmware keeps its variables; undefined for a BIOS. */
  readonly variables: PayloadDeclaration | undefined;
  readonly place: Error;
}

/** Kinds of firmware. */
export type FirmwareKind = "bios" | "uefi";

/** What a guest boots. */
export type KernelDeclaration = LinuxDeclaration | ExecutableDeclaration | FirmwareDeclaration;

/** Whether a guest starts at the reset vector, as a machine does. */
export function isFirmware(kernel: KernelDeclaration): kernel is FirmwareDeclaration {
  return kernel.kind === "bios" || kernel.kind === "uefi";
}

export interface LinuxOptions {
  /** A bzImage. */
  readonly kernel: PayloadDeclaration;
  /** A cpio archive, usually compressed. */
  readonly initrd?: PayloadDeclaration;
  /** Printable ASCII, at most 4,095 characters; the kernel may take less. */
  readonly commandLine?: string;
}

/** A file that a kernel finds in its memory. */
export interface ModuleOptions {
  readonly payload: PayloadDeclaration;
  /** Printable ASCII, at most 4,095 characters. */
  readonly commandLine?: string;
}

export interface ExecutableOptions {
  /** An ELF file; for `multiboot` and `multiboot2` anything with a header that says where it goes. */
  readonly kernel: PayloadDeclaration;
  /** At most {@link maxModules}; Linux takes the first as its initrd. */
  readonly modules?: readonly ModuleOptions[];
  /** Printable ASCII, at most 4,095 characters. */
  readonly commandLine?: string;
}

/** Modules of a guest: what the room for payloads leaves beside the kernel. */
export const maxModules = 15;

/** The length of a command line without its terminating zero. */
const longestCommandLine = 4095;

/** Boots a Linux kernel, or what follows its boot protocol (memtest86+). Throws TV5119 for a command line that cannot be passed on. */
export function linux(options: LinuxOptions): LinuxDeclaration {
  const place = placeOf("kernel");
  const commandLine = checkedCommandLine(options.commandLine, place);
  return Object.freeze({ kind: "linux", kernel: options.kernel, initrd: options.initrd, commandLine, place });
}

/**
 * Boots an ELF file with a PVH entry point (Xen, docs/misc/pvh.pandoc), such as a vmlinux. Throws TV5119 for a command
 * line that cannot be passed on, TV5123 for too many modules.
 */
export function pvh(options: ExecutableOptions): ExecutableDeclaration {
  return executable("pvh", options, placeOf("kernel"));
}

/**
 * Boots a kernel with a multiboot header (Multiboot Specification 0.6.96, version 1). Throws TV5119 for a command line
 * that cannot be passed on, TV5123 for too many modules.
 */
export function multiboot(options: ExecutableOptions): ExecutableDeclaration {
  return executable("multiboot", options, placeOf("kernel"));
}

/**
 * Boots a kernel with a header of multiboot 2 (Multiboot2 Specification 2.0) in 32-bit mode of i386. Throws TV5119 for a
 * command line that cannot be passed on, TV5123 for too many modules.
 */
export function multiboot2(options: ExecutableOptions): ExecutableDeclaration {
  return executable("multiboot2", options, placeOf("kernel"));
}

/**
 * Starts a BIOS at the reset vector, such as Debian's SeaBIOS, which then boots from the guest's disks. It lies at the
 * end of the first 4 GiB.
 */
export function bios(options: { readonly firmware: PayloadDeclaration }): FirmwareDeclaration {
  return Object.freeze({
    kind: "bios",
    kernel: options.firmware,
    variables: undefined,
    place: placeOf("kernel"),
  });
}

export interface UefiOptions {
  /** The firmware: `OVMF_CODE_4M.fd`. */
  readonly code: PayloadDeclaration;
  /** What its variables are at first: `OVMF_VARS_4M.fd`. What the guest changes of them outlasts its restarts. */
  readonly variables: PayloadDeclaration;
}

/**
 * Starts UEFI firmware at the reset vector, such as Debian's OVMF, which then boots from the guest's disks. Its 4 MiB lie
 * at the end of the first 4 GiB, the variables' first.
 */
export function uefi({ code, variables }: UefiOptions): FirmwareDeclaration {
  return Object.freeze({ kind: "uefi", kernel: code, variables, place: placeOf("kernel") });
}

function executable(
  kind: ExecutableDeclaration["kind"],
  options: ExecutableOptions,
  place: Error,
): ExecutableDeclaration {
  const { kernel, modules = [] } = options;
  if (modules.length > maxModules) {
    throw new ManifestError(
      "TV5123",
      `the kernel has ${modules.length} modules, and at most ${maxModules} can be brought along`,
      [place],
    );
  }
  return Object.freeze({
    kind,
    kernel,
    modules: Object.freeze(
      modules.map((m) =>
        Object.freeze({ payload: m.payload, commandLine: checkedCommandLine(m.commandLine, place) }),
      ),
    ),
    commandLine: checkedCommandLine(options.commandLine, place),
    place,
  });
}

function checkedCommandLine(commandLine = "", place: Error): string {
  const wrong = /[^\x20-\x7e]/.exec(commandLine);
  if (wrong !== null) {
    throw new ManifestError(
      "TV5119",
      `character ${wrong.index + 1} of the command line is no printable ASCII character`,
      [place],
    );
  }
  if (commandLine.length > longestCommandLine) {
    throw new ManifestError(
      "TV5119",
      `the command line has ${commandLine.length} characters, and at most ${longestCommandLine} can be passed on`,
      [place],
    );
  }
  return commandLine;
}
