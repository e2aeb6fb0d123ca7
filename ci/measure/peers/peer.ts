/** Whoever runs the measuring guest: Typevisor, the hypervisors it is measured against, and the bare machine. */
import { cpioArchive, type CpioEntry } from "../../cpio.ts";
import { payloadFile } from "../../payloads.ts";
import type { BochsOptions } from "../../bochs.ts";
import type { BootOptions } from "../../qemu.ts";
import type { Column, Figure } from "../figure.ts";
import { entry } from "./userland.ts";

/** A guest that a peer runs. */
export interface PeerGuest {
  readonly kernel: string;
  readonly initrd?: string;
  readonly commandLine: string;
  readonly memoryMiB: number;
  /** It has a console that its hypervisor's control domain writes, beside the machine's ports. */
  readonly speaks?: boolean;
  /** When it has started, its hypervisor tells on the console what memory is taken, and then {@link weighedLine}. */
  readonly weighed?: boolean;
}

/** The same program halted, so that it can be seen what its hypervisor takes for it. */
export function weighedGuest(elf: string): PeerGuest {
  return { kernel: elf, commandLine: "h", memoryMiB: 64, weighed: true };
}

/** The program's first word. */
export const greeting = "bare guest";

/** The line after everything that tells of memory. */
export const weighedLine = "everything is weighed";

/** One who runs guests, under QEMU unless it says otherwise. */
export interface Peer<Prepared = PreparedPeer> {
  readonly column: Column;
  readonly what: string;
  /** Fetches and builds what is needed, into a folder, and says how the machine is booted that runs the guest. */
  prepare(guest: PeerGuest, folder: string): Promise<Prepared>;
}

/** A peer that can be booted as often as is wanted. */
export interface PreparedPeer {
  readonly boot: BootOptions;
  /** What is known of it beside what the guest measures. */
  readonly figures?: readonly Figure[];
}

/** The same on the second machine. */
export interface PreparedBochs {
  readonly bochs: BochsOptions;
}

/** The measuring guest, as PVH and Multiboot loaders take it; the word on its command line asks it to measure. */
export function measuringGuest(elf: string): PeerGuest {
  return { kernel: elf, commandLine: "m", memoryMiB: 64 };
}

/** busybox with the applets that a script names. */
export function busyboxEntries(applets: readonly string[]): CpioEntry[] {
  return [
    entry("bin/busybox", payloadFile("busybox")),
    ...applets.map((name): CpioEntry => ({ kind: "link", path: `bin/${name}`, target: "busybox" })),
    { kind: "device", path: "dev/console", major: 5, minor: 1 },
    { kind: "device", path: "dev/null", major: 1, minor: 3, mode: 0o666 },
    ...["proc", "sys", "tmp", "run"].map((path): CpioEntry => ({ kind: "folder", path })),
  ];
}

/** An initramfs whose `/init` is a script of busybox's shell; not compressed, since the machine would have to undo it. */
export function scriptedInitramfs(script: readonly string[], entries: readonly CpioEntry[]): Buffer {
  const init = ["#!/bin/sh", ...script, "poweroff -f", ""].join("\n");
  return cpioArchive([{ kind: "file", path: "init", data: init, mode: 0o755 }, ...entries]);
}

/** Kernel modules by their names, as entries that {@link loadModule} finds. */
export function moduleEntries(modules: ReadonlyMap<string, Buffer>): CpioEntry[] {
  return [...modules].map(([name, data]) => ({ kind: "file", path: moduleFile(name), data }));
}

/** The command that loads a kernel module. */
export function loadModule(name: string): string {
  return `insmod /${moduleFile(name)}`;
}

const moduleFile = (name: string): string => `modules/${name}.ko`;
