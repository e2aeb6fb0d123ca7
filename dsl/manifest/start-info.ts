/**
 * What a kernel is told at its start, as bytes: Xen's `hvm_start_info` (xen/include/public/arch-x86/hvm/start_info.h)
 * and the multiboot information (Multiboot Specification 0.6.96, §3.3; Multiboot2 Specification 2.0, §3.6). All of it is known when the image is built but
 * where modules lie and how large they are, which the loader fills in.
 */
import { informationTags } from "../payload/multiboot2.ts";
import { e820Types, type E820Entry } from "./model.ts";

/** What the structures are made from. An address of 0 says that there is none. */
export interface StartInfoInput {
  /** Where the bytes will lie. */
  readonly gpa: number;
  readonly e820: readonly E820Entry[];
  readonly rsdpGpa: number;
  readonly commandLineGpa: number;
  readonly moduleCommandLines: readonly number[];
}

/** The same for multiboot 2, whose information holds everything itself. */
export interface Multiboot2InfoInput extends Pick<StartInfoInput, "gpa" | "e820"> {
  readonly rsdp: readonly number[];
  readonly commandLine: string;
  readonly moduleCommandLines: readonly string[];
}

/** The bytes, and where the modules' entries lie. */
export interface StartInfo {
  readonly bytes: readonly number[];
  readonly moduleEntries: readonly number[];
}

/** Integers one after the other, and where each lies. */
class Layout {
  readonly bytes: number[] = [];
  readonly #gpa: number;

  constructor(gpa: number) {
    this.#gpa = gpa;
  }

  /** Where the next one will lie. */
  get here(): number {
    return this.#gpa + this.bytes.length;
  }
  u32(...values: readonly number[]): void {
    for (const value of values) for (const shift of [0, 8, 16, 24]) this.bytes.push((value >>> shift) & 0xff);
  }
  u64(...values: readonly number[]): void {
    for (const value of values) this.u32(value % 2 ** 32, Math.floor(value / 2 ** 32));
  }
  text(value: string): void {
    this.bytes.push(...[...value].map((c) => c.charCodeAt(0)), 0);
    this.pad();
  }
  /** Up to a multiple of 8. */
  pad(): void {
    while (this.bytes.length % 8 !== 0) this.bytes.push(0);
  }
}

const startInfoMagic = 0x336e_c578;
const startInfoBytes = 56;
const pvhModuleBytes = 32;

/** `struct hvm_start_info` of version 1 with its lists behind it. */
export function pvhStartInfo(input: StartInfoInput): StartInfo {
  const out = new Layout(input.gpa);
  const modules = input.moduleCommandLines;
  const modulesGpa = input.gpa + startInfoBytes;
  out.u32(startInfoMagic, 1, 0, modules.length);
  out.u64(modules.length === 0 ? 0 : modulesGpa, input.commandLineGpa, input.rsdpGpa);
  out.u64(modulesGpa + pvhModuleBytes * modules.length);
  out.u32(input.e820.length, 0);
  const moduleEntries = modules.map((commandLineGpa) => {
    const entry = out.here;
    // Address, size, command line, reserved.
    out.u64(0, 0, commandLineGpa, 0);
    return entry;
  });
  for (const { gpa, sizeBytes, type } of input.e820) {
    out.u64(gpa, sizeBytes);
    out.u32(e820Types[type], 0);
  }
  return { bytes: out.bytes, moduleEntries };
}

/** Bits of the flags: which fields are valid. */
const valid = { memory: 1 << 0, commandLine: 1 << 2, modules: 1 << 3, memoryMap: 1 << 6, loaderName: 1 << 9 };
const multibootInfoBytes = 120;
const multibootModuleBytes = 16;
/** Bytes of an entry of the memory map behind its size field. */
const mapEntryBytes = 20;
const loaderName = "Typevisor";
const kibibyte = 1024;

/** The multiboot information with its lists behind it. */
export function multibootInfo(input: StartInfoInput): StartInfo {
  const out = new Layout(input.gpa);
  const modules = input.moduleCommandLines;
  const modulesGpa = input.gpa + multibootInfoBytes;
  const mapGpa = modulesGpa + multibootModuleBytes * modules.length;
  const mapBytes = (4 + mapEntryBytes) * input.e820.length;
  const commandLine = input.commandLineGpa === 0 ? 0 : valid.commandLine;
  out.u32(valid.memory | commandLine | valid.modules | valid.memoryMap | valid.loaderName);
  // mem_lower and mem_upper: KiB of RAM from 0, and from 1 MiB up to the first hole.
  out.u32(ramFrom(0, input.e820), ramFrom(2 ** 20, input.e820));
  // No boot device.
  out.u32(0, input.commandLineGpa, modules.length, modulesGpa);
  // No symbols.
  out.u32(0, 0, 0, 0);
  out.u32(mapBytes, mapGpa);
  // No drives, no configuration table.
  out.u32(0, 0, 0, mapGpa + mapBytes);
  while (out.bytes.length < multibootInfoBytes) out.u32(0);
  const moduleEntries = modules.map((commandLineGpa) => {
    const entry = out.here;
    // Start, end, text, reserved.
    out.u32(0, 0, commandLineGpa, 0);
    return entry;
  });
  for (const { gpa, sizeBytes, type } of input.e820) {
    out.u32(mapEntryBytes);
    out.u64(gpa, sizeBytes);
    out.u32(e820Types[type]);
  }
  out.text(loaderName);
  return { bytes: out.bytes, moduleEntries };
}

/** The multiboot information of version 2, and where its load base stands. */
export function multiboot2Info(input: Multiboot2InfoInput): StartInfo & { readonly loadBaseGpa: number } {
  const out = new Layout(input.gpa);
  const { e820 } = input;
  /** A tag of `bytes` bytes behind its header. */
  const tag = (type: keyof typeof informationTags, bytes: number): void => {
    out.pad();
    out.u32(informationTags[type], 8 + bytes);
  };
  const textTag = (type: keyof typeof informationTags, text: string): void => {
    tag(type, text.length + 1);
    out.text(text);
  };
  // The total size is known at the end; reserved.
  out.u32(0, 0);
  textTag("commandLine", input.commandLine);
  textTag("loaderName", loaderName);
  const moduleEntries = input.moduleCommandLines.map((commandLine) => {
    tag("module", 8 + commandLine.length + 1);
    const entry = out.here;
    // Start, end.
    out.u32(0, 0);
    out.text(commandLine);
    return entry;
  });
  tag("memory", 8);
  out.u32(ramFrom(0, e820), ramFrom(2 ** 20, e820));
  tag("memoryMap", 8 + 24 * e820.length);
  // Bytes of an entry, and their version.
  out.u32(24, 0);
  for (const { gpa, sizeBytes, type } of e820) {
    out.u64(gpa, sizeBytes);
    out.u32(e820Types[type], 0);
  }
  tag("acpiNew", input.rsdp.length);
  out.bytes.push(...input.rsdp);
  tag("loadBase", 4);
  const loadBaseGpa = out.here;
  out.u32(0);
  tag("end", 0);
  const total = new Layout(input.gpa);
  total.u32(out.bytes.length);
  return { bytes: [...total.bytes, ...out.bytes.slice(4)], moduleEntries, loadBaseGpa };
}

/** KiB of RAM from an address on, up to the first hole. */
export function ramFrom(gpa: number, e820: readonly E820Entry[]): number {
  const entry = e820.find((e) => e.type === "ram" && e.gpa === gpa);
  return Math.floor((entry?.sizeBytes ?? 0) / kibibyte);
}
