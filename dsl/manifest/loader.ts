/** Where everything lies that a loader puts into a guest's memory before the kernel's own bytes. */
import {
  isFirmware,
  type ExecutableDeclaration,
  type FirmwareDeclaration,
  type KernelDeclaration,
  type LinuxDeclaration,
} from "./kernel.ts";
import { firmwareRom, firmwareSizes, lowMemory } from "./memory.ts";
import type {
  E820Entry,
  ExecutableLoaderModel,
  FirmwareLoaderModel,
  LinuxLoaderModel,
  LoaderModel,
  PayloadModel,
  PlacedModel,
} from "./model.ts";
import type { PayloadDeclaration } from "./payload.ts";
import { multiboot2Info, multibootInfo, pvhStartInfo, ramFrom, type StartInfo } from "./start-info.ts";

/** What a loader needs to know of its guest. */
export interface LoaderSurroundings {
  /** The payload's index in the image, which brings it along. */
  readonly payloadIndex: (payload: PayloadDeclaration, role: PayloadModel["role"]) => number;
  readonly e820: readonly E820Entry[];
  readonly rsdp: { readonly gpa: number; readonly bytes: readonly number[] };
  readonly lowRamEnd: number;
}

/** Kernels leave the first page alone, and address 0 stands for "not there". */
const firstRoomGpa = 0x1000;

/** Flat 32-bit segments, code and data, at 0x10 and 0x18 (APM vol. 2 §4.7). */
const gdt = [0, 0, 0x00cf_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn].flatMap((descriptor) =>
  Array.from({ length: 8 }, (_, i) => Number((BigInt(descriptor) >> BigInt(8 * i)) & 0xffn)),
);

/** Resolves a guest's loader. */
export function resolveLoader(kernel: KernelDeclaration, around: LoaderSurroundings): LoaderModel {
  if (isFirmware(kernel)) return firmwareLoader(kernel, around);
  return kernel.kind === "linux" ? linuxLoader(kernel, around) : executableLoader(kernel, around);
}

function firmwareLoader(
  { kind, kernel, variables }: FirmwareDeclaration,
  around: LoaderSurroundings,
): FirmwareLoaderModel {
  const { mostBytes, variableBytes } = firmwareSizes[kind];
  return Object.freeze({
    kind,
    kernelPayload: around.payloadIndex(kernel, kind),
    variablesPayload: variables === undefined ? null : around.payloadIndex(variables, "uefi-variables"),
    romEndGpa: firmwareRom.end,
    shadowEndGpa: lowMemory.end,
    romBytes: mostBytes,
    variableBytes,
    shadowBytes: firmwareRom.shadowBytes,
  });
}

function linuxLoader(declared: LinuxDeclaration, around: LoaderSurroundings): LinuxLoaderModel {
  const { kernel, initrd, commandLine } = declared;
  return Object.freeze({
    kind: "linux",
    kernelPayload: around.payloadIndex(kernel, "linux-kernel"),
    initrdPayload: initrd === undefined ? null : around.payloadIndex(initrd, "initrd"),
    commandLine,
    gdtGpa: lowMemory.gdt,
    bootParamsGpa: lowMemory.startInfo,
    commandLineGpa: lowMemory.commandLine,
    placed: Object.freeze([
      placed("descriptor table", lowMemory.gdt, gdt),
      placed("command line", lowMemory.commandLine, textBytes(commandLine)),
    ]),
    kernelGpa: lowMemory.end,
    loadLimitGpa: around.lowRamEnd,
  });
}

function executableLoader(
  declared: ExecutableDeclaration,
  around: LoaderSurroundings,
): ExecutableLoaderModel {
  const { kind, kernel, modules, commandLine } = declared;
  const kernelPayload = around.payloadIndex(kernel, `${kind}-kernel`);
  const { info, texts, loadBaseGpa } = told(declared, around);
  const all = [
    ...(kind === "pvh" ? [] : biosData(around.e820)),
    placed("descriptor table", lowMemory.gdt, gdt),
    placed("start information", lowMemory.startInfo, info.bytes),
    ...texts,
  ];
  return Object.freeze({
    kind,
    kernelPayload,
    modules: Object.freeze(
      modules.map((module, i) =>
        Object.freeze({
          payload: around.payloadIndex(module.payload, "module"),
          commandLine: module.commandLine,
          entryGpa: info.moduleEntries[i]!,
        }),
      ),
    ),
    commandLine,
    gdtGpa: lowMemory.gdt,
    startInfoGpa: lowMemory.startInfo,
    loadBaseGpa,
    placed: Object.freeze(all),
    rooms: roomsAround(all, around),
    loadLimitGpa: around.lowRamEnd,
  });
}

/** What a kernel is told at its start, and what of it lies in other places. */
interface Told {
  readonly info: StartInfo;
  readonly texts: readonly PlacedModel[];
  readonly loadBaseGpa: number | null;
}

function told({ kind, modules, commandLine }: ExecutableDeclaration, around: LoaderSurroundings): Told {
  const { e820, rsdp } = around;
  const gpa = lowMemory.startInfo;
  if (kind === "multiboot2") {
    const moduleCommandLines = modules.map((module) => module.commandLine);
    const info = multiboot2Info({ gpa, e820, rsdp: rsdp.bytes, commandLine, moduleCommandLines });
    return { info, texts: [], loadBaseGpa: info.loadBaseGpa };
  }
  const texts: PlacedModel[] = [];
  const place = (name: string, at: number, text: string): number => {
    if (text === "") return 0;
    texts.push(placed(name, at, textBytes(text)));
    return at;
  };
  const commandLineGpa = place("command line", lowMemory.commandLine, commandLine);
  let next: number = lowMemory.moduleCommandLines;
  const moduleCommandLines = modules.map((module, i) => {
    const at = place(`command line of module ${i + 1}`, next, module.commandLine);
    if (at !== 0) next += module.commandLine.length + 1;
    return at;
  });
  const input = { gpa, e820, rsdpGpa: rsdp.gpa, commandLineGpa, moduleCommandLines };
  const info = (kind === "pvh" ? pvhStartInfo : multibootInfo)(input);
  return { info, texts, loadBaseGpa: null };
}

/**
 * What software that may call the BIOS reads of its data area, and multiboot kernels therefore (Multiboot Specification
 * §3.2): the segment of the extended data area, and the KiB of memory below it.
 */
function biosData(e820: readonly E820Entry[]): PlacedModel[] {
  const word = (value: number): number[] => [value & 0xff, value >>> 8];
  return [
    placed("extended BIOS data area's segment", 0x40e, word(lowMemory.extendedBiosData >>> 4)),
    placed("base memory's size", 0x413, word(ramFrom(0, e820))),
  ];
}

/** The RAM below the device hole, without its first page and without everything from the first thing placed to the last. */
function roomsAround(
  all: readonly PlacedModel[],
  { e820, lowRamEnd }: LoaderSurroundings,
): ExecutableLoaderModel["rooms"] {
  const beyond = all.filter((p) => p.gpa >= firstRoomGpa);
  const first = Math.min(...beyond.map((p) => p.gpa));
  const last = Math.max(...beyond.map((p) => p.gpa + p.bytes.length));
  const room = (start: number, end: number) => Object.freeze({ gpa: start, sizeBytes: end - start });
  return Object.freeze(
    e820
      .filter(({ gpa, type }) => type === "ram" && gpa < lowRamEnd)
      .flatMap(({ gpa, sizeBytes }) => {
        const [start, end] = [Math.max(gpa, firstRoomGpa), gpa + sizeBytes];
        return start < last && first < end ? [room(start, first), room(last, end)] : [room(start, end)];
      }),
  );
}

function placed(name: string, gpa: number, bytes: readonly number[]): PlacedModel {
  return Object.freeze({ name, gpa, bytes: Object.freeze(bytes) });
}

function textBytes(text: string): number[] {
  return [...[...text].map((c) => c.charCodeAt(0)), 0];
}
