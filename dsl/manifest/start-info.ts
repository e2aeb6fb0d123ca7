/**
 * What a kernel is told at its start, as bytes: Xen's `hvm_start_info` (xen/include/public/arch-x86/hvm/start_info.h)
 * and the multiboot information (Multiboot Specification 0.6.96, §3.3). All of it is known when the image is built but
 * where modules lie and how large they are, which the loader fills in.
 */
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

/** KiB of RAM from an address on, up to the first hole. */
export function ramFrom(gpa: number, e820: readonly E820Entry[]): number {
  const entry = e820.find((e) => e.type === "ram" && e.gpa === gpa);
  return Math.floor((entry?.sizeBytes ?? 0) / kibibyte);
}
