/**
 * Where things lie in a guest's physical memory: a PC's, since software expects it. RAM starts at 0 with a hole from
 * 640 KiB to 1 MiB, leaves room for devices below 4 GiB, and goes on at 4 GiB.
 */
import type { FirmwareKind } from "./kernel.ts";
import type { E820Entry, MemorySlotModel } from "./model.ts";

/** 4 GiB: where RAM goes on that has no place below. */
export const highRamGpa = 2 ** 32;
/** First address that RAM leaves to devices: PCIEXBAR's usual place on a q35, and everything up to 4 GiB. */
export const deviceHoleGpa = 0xb000_0000;
/** With more RAM than fits below the hole, as much of it as keeps both parts aligned to 1 GiB, as on a q35. */
const splitRamGpa = 0x8000_0000;
/** Where 32-bit BARs end: the I/O APIC is the first of the chipset's own windows. */
export const pciWindowEnd = 0xfec0_0000;

/** Fixed places below 1 MiB. */
export const lowMemory = Object.freeze({
  gdt: 0x6000,
  /** boot_params, or what another kernel is told at its start; one page. */
  startInfo: 0x7000,
  commandLine: 0x8000,
  /** Bytes for the command line with its terminating zero. */
  commandLineBytes: 0x1000,
  /** One after the other; 64 KiB hold the longest ones of as many modules as there may be. */
  moduleCommandLines: 0x9000,
  /** Kept for what a BIOS would call its extended data area. */
  extendedBiosData: 0x9_fc00,
  /** The hole: display memory and expansion ROMs, none of which are there. */
  hole: 0xa_0000,
  /** Firmware's RAM: expansion ROMs, and the end of the firmware itself. */
  shadow: 0xc_0000,
  acpiTables: 0xe_0000,
  acpiNvs: 0xe_f000,
  rootPointer: 0xf_0000,
  end: 0x10_0000,
} as const);

/** The smallest and largest RAM of a guest, and what it is a multiple of, in bytes. */
export const memoryLimits = Object.freeze({ least: 4 * 2 ** 20, most: 2 ** 39, step: 2 * 2 ** 20 } as const);

/** Firmware: where it ends, and how much of it is seen below 1 MiB too (as on a q35). */
export const firmwareRom = Object.freeze({ end: 2 ** 32, shadowBytes: 128 * 2 ** 10 } as const);

/**
 * How much firmware of each kind there may be, what of it are variables (OVMF's build of 4 MiB), and what is taken out of
 * the guest's memory for it, so that the rest can be mapped in large pages.
 */
export const firmwareSizes = Object.freeze({
  bios: Object.freeze({ mostBytes: 256 * 2 ** 10, variableBytes: 0, heldBytes: 2 * 2 ** 20 }),
  uefi: Object.freeze({ mostBytes: 4 * 2 ** 20, variableBytes: 528 * 2 ** 10, heldBytes: 4 * 2 ** 20 }),
} as const);

/** RAM of `memoryBytes` laid out. */
export interface MemoryLayout {
  readonly slots: readonly MemorySlotModel[];
  readonly e820: readonly E820Entry[];
  /** End of the RAM below the device hole. */
  readonly lowRamEnd: number;
}

const slot = (name: string, gpa: number, end: number, ramOffset = gpa): MemorySlotModel =>
  Object.freeze({ name, kind: "ram", gpa, sizeBytes: end - gpa, ramOffset });
const entry = (type: E820Entry["type"], gpa: number, end: number): E820Entry =>
  Object.freeze({ gpa, sizeBytes: end - gpa, type });

/** The RAM that does not lie below 1 MiB. */
function mainMemory(ramBytes: number): MemoryLayout {
  const lowRamEnd = ramBytes <= deviceHoleGpa ? ramBytes : splitRamGpa;
  const highBytes = ramBytes - lowRamEnd;
  const slots = [slot("memory", lowMemory.end, lowRamEnd)];
  const e820 = [entry("ram", lowMemory.end, lowRamEnd)];
  if (highBytes > 0) {
    slots.push(slot("memory above 4 GiB", highRamGpa, highRamGpa + highBytes, lowRamEnd));
    e820.push(entry("ram", highRamGpa, highRamGpa + highBytes));
  }
  return { slots, e820, lowRamEnd };
}

/** Lays out a guest's RAM; `reserved` are further ranges that the guest's map names as reserved. */
export function layMemory(
  memoryBytes: number,
  reserved: readonly { readonly gpa: number; readonly sizeBytes: number }[],
): MemoryLayout {
  const main = mainMemory(memoryBytes);
  const slots = [
    slot("conventional memory", 0, lowMemory.hole),
    slot("firmware area", lowMemory.acpiTables, lowMemory.end),
    ...main.slots,
  ];
  const e820 = [
    entry("ram", 0, lowMemory.extendedBiosData),
    entry("reserved", lowMemory.extendedBiosData, lowMemory.hole),
    entry("acpi", lowMemory.acpiTables, lowMemory.acpiNvs),
    entry("nvs", lowMemory.acpiNvs, lowMemory.rootPointer),
    entry("reserved", lowMemory.rootPointer, lowMemory.end),
    ...main.e820,
    ...reserved.map(({ gpa, sizeBytes }) => entry("reserved", gpa, gpa + sizeBytes)),
  ].sort((a, b) => a.gpa - b.gpa);
  return Object.freeze({
    slots: Object.freeze(slots),
    e820: Object.freeze(e820),
    lowRamEnd: main.lowRamEnd,
  });
}

/**
 * Lays out the RAM of a guest with firmware, whose ROM lies in the last of its memory. The map is what the firmware is
 * told of: it makes the guest's own.
 */
export function layFirmwareMemory(memoryBytes: number, kind: FirmwareKind): MemoryLayout {
  const { mostBytes, variableBytes, heldBytes } = firmwareSizes[kind];
  const ramBytes = memoryBytes - heldBytes;
  const main = mainMemory(ramBytes);
  const { end } = firmwareRom;
  const first = end - mostBytes;
  const code = first + variableBytes;
  const flash: MemorySlotModel = { ...slot("variables", first, code, ramBytes), kind: "flash" };
  const rom: MemorySlotModel = {
    ...slot("firmware", code, end, ramBytes + variableBytes),
    kind: "rom",
  };
  const [memory, ...high] = main.slots;
  const slots = [
    slot("conventional memory", 0, lowMemory.hole),
    slot("shadow memory", lowMemory.shadow, lowMemory.end),
    memory!,
    ...(variableBytes === 0 ? [] : [Object.freeze(flash)]),
    Object.freeze(rom),
    ...high,
  ];
  const [, ...highRam] = main.e820;
  return Object.freeze({
    slots: Object.freeze(slots),
    e820: Object.freeze([entry("ram", 0, main.lowRamEnd), ...highRam]),
    lowRamEnd: main.lowRamEnd,
  });
}
