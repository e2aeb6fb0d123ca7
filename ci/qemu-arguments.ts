/** The command line of the QEMU machine that images boot on: a q35 in software emulation, the same everywhere. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The QEMU program that this project uses. */
export const qemuProgram = "qemu-system-x86_64";

/** UEFI firmware for QEMU as Debian installs it: the code, and the template of the variable store that each boot copies. */
export const ovmf = {
  code: "/usr/share/OVMF/OVMF_CODE_4M.fd",
  variables: "/usr/share/OVMF/OVMF_VARS_4M.fd",
} as const;

/** What a boot may choose about its machine. */
export interface MachineOptions {
  /** A disk image to boot from (through OVMF). Guest writes are dropped unless `keepWrites` is set. */
  readonly image?: string;
  /** Lets the guest write to the disk image itself. */
  readonly keepWrites?: boolean;
  /** A kernel to boot directly, with its initramfs and command line: the bare-machine baseline. */
  readonly kernel?: string;
  /** The initramfs of a directly booted kernel. */
  readonly initrd?: string;
  /** The command line of a directly booted kernel. */
  readonly append?: string;
  /** Firmware: `ovmf` where a disk image is given, `seabios` (QEMU's own) otherwise. */
  readonly firmware?: "ovmf" | "seabios";
  /** Memory in MiB; 1024 unless given. */
  readonly memoryMiB?: number;
  /** Virtual CPUs; 1 unless given. */
  readonly cpus?: number;
  /** The value of `-cpu`; `max` unless given. */
  readonly cpu?: string;
  /** The value of `-machine`; `q35` unless given. */
  readonly machine?: string;
  /** Adds isa-debug-exit at port 0xf4: a write of v ends QEMU with status 2v+1. */
  readonly exitPort?: boolean;
  /** Lets a reset start the machine again; without it a reset ends QEMU. */
  readonly restartOnReset?: boolean;
  /** Counts one nanosecond of virtual time per instruction and takes away every source of chance. */
  readonly deterministic?: boolean;
  /** More QEMU arguments, added last. */
  readonly extra?: readonly string[];
}

/** Files and devices that the caller has made for one run. */
export interface MachineAttachments {
  /** This run's own copy of the UEFI variable store. */
  readonly variables?: string;
  /** Arguments that say where the serial console and the monitor go. */
  readonly console: readonly string[];
}

/** The arguments of QEMU for a machine. */
export function qemuArguments(options: MachineOptions, attachments: MachineAttachments): string[] {
  const cpus = options.cpus ?? 1;
  if (options.deterministic === true && cpus !== 1) throw new RangeError("a deterministic run has one CPU");
  const cpu = options.cpu ?? "max";
  return [
    ...["-machine", options.machine ?? "q35", "-accel", "tcg"],
    ...["-cpu", options.deterministic === true ? countingCpu(cpu) : cpu],
    ...["-m", String(options.memoryMiB ?? 1024), "-smp", String(cpus)],
    ...["-nodefaults", "-display", "none"],
    ...(options.restartOnReset === true ? [] : ["-no-reboot"]),
    ...attachments.console,
    ...firmwareArguments(options, attachments),
    ...(options.image === undefined ? [] : diskArguments(options.image, options.keepWrites === true)),
    ...pair("-kernel", options.kernel),
    ...pair("-initrd", options.initrd),
    ...pair("-append", options.append),
    ...(options.exitPort === true ? ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"] : []),
    ...(options.deterministic === true ? countingArguments : []),
    ...(options.extra ?? []),
  ];
}

/** A fresh copy of the UEFI variable store in a folder of its own. */
export function copyOfVariables(): { readonly file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-variables-"));
  const file = join(folder, "variables.fd");
  copyFileSync(ovmf.variables, file);
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Whether a machine boots through OVMF and so needs its own copy of the variable store. */
export function usesOvmf(options: MachineOptions): boolean {
  return (options.firmware ?? (options.image === undefined ? "seabios" : "ovmf")) === "ovmf";
}

/** A CPU without its source of chance. */
export function countingCpu(cpu: string): string {
  return `${cpu},-rdrand`;
}

/** Arguments that make virtual time advance by one nanosecond per instruction. */
export const countingArguments: readonly string[] = [
  "-icount",
  "shift=0,sleep=off",
  "-rtc",
  "base=2024-01-01,clock=vm",
  "-seed",
  "1",
];

function firmwareArguments(options: MachineOptions, attachments: MachineAttachments): string[] {
  if (!usesOvmf(options)) return [];
  if (attachments.variables === undefined)
    throw new Error("a boot through OVMF needs a copy of the variable store");
  return [
    ...["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${escaped(ovmf.code)}`],
    ...["-drive", `if=pflash,unit=1,format=raw,file=${escaped(attachments.variables)}`],
  ];
}

function diskArguments(image: string, keepWrites: boolean): string[] {
  return [
    ...["-drive", `if=none,id=disk0,format=raw,snapshot=${keepWrites ? "off" : "on"},file=${escaped(image)}`],
    ...["-device", "ide-hd,drive=disk0,bus=ide.0,bootindex=0"],
  ];
}

/** QEMU doubles a comma inside the value of an option. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}

function pair(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}
