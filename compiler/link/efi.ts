/**
 * From the IR to a UEFI application, in one process per tool: emit, `opt`, `llc`, `llvm-mc`, then `lld-link` twice, because the
 * table of function names (the global `typevisor_names`) can be written only when the addresses are known.
 *
 *     const { efi, symbols, sections } = linkEfi({ module, entry: "efi_main", hot: ["handleExit"] });
 *
 * The image is PE32+ with .text, .rdata, .data (zeroes at its end) and .reloc on pages of their own. Equal modules give
 * equal bytes.
 */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IrModule } from "../ir/ir.ts";
import { avoidFrames } from "../ir/frames.ts";
import { markCold } from "../ir/temperature.ts";
import { linkerSymbols } from "../ir/verify.ts";
import { emitModule } from "../llvm/emit.ts";
import { efiTarget } from "../llvm/target.ts";
import type { MachineCode } from "../llvm/exit-path.ts";
import { parseListing, parseLoopBounds } from "../llvm/machine-code.ts";
import {
  assembleListing,
  describeLoops,
  discard,
  generate,
  optimise,
  runTool,
  ToolError,
} from "../llvm/toolchain.ts";
import { parseMap, type ImageSection, type ImageSymbol } from "./map.ts";
import { namesAssembly, namesSymbol } from "./names.ts";

/** What `linkEfi` is given. */
export interface EfiInput {
  readonly module: IrModule;
  /** Symbol of the entry point, called with (image handle, system table) in the Win64 convention. */
  readonly entry: string;
  /**
   * Functions on the exit path: what they do not reach is cold, optimised for size and placed apart. Without them only what
   * the module marks is cold.
   */
  readonly hot?: readonly string[];
  /** Keep source lines and locals for gdb, at the price of optimisation. */
  readonly debug?: boolean;
  /** Also links the image with a table of source lines: {@link EfiImage.withLines}. */
  readonly lines?: boolean;
  /** Address in debug builds, where the image is not relocatable; a multiple of 64 KiB. */
  readonly baseAddress?: bigint;
  /** A folder to keep for inspection; a temporary one is used and deleted otherwise. */
  readonly keep?: string;
}

/** A linked image. */
export interface EfiImage {
  readonly efi: Uint8Array;
  readonly symbols: readonly ImageSymbol[];
  readonly sections: readonly ImageSection[];
  /** The same code with DWARF's table of lines and inlined calls; only where `lines` asks for it. */
  readonly withLines?: Uint8Array;
  /** The final machine code, input of `exitPath`; made when asked for. */
  readonly machineCode: () => MachineCode;
}

/** Where debug images are loaded unless told otherwise. */
export const debugBaseAddress = 0x400_0000n;

/** Links an image. Throws `ToolError` when a tool is missing or refuses its input. */
export function linkEfi(input: EfiInput): EfiImage {
  const folder = input.keep ?? mkdtempSync(join(tmpdir(), "typevisor-"));
  try {
    return link(input, folder);
  } finally {
    if (input.keep === undefined) discard(folder);
  }
}

function link(input: EfiInput, folder: string): EfiImage {
  const debug = input.debug ?? false;
  const warm = input.hot === undefined ? input.module : markCold(input.module, input.hot);
  const module = debug ? warm : avoidFrames(warm);
  const lines = input.lines ?? false;
  const hasNames = module.globals.some(({ symbol }) => symbol === namesSymbol);
  const external = new Set([...linkerSymbols, ...(hasNames ? [namesSymbol] : [])]);
  const emitted = emitModule(module, { target: efiTarget, debug, lines, external, folder });
  const at = (name: string): string => join(folder, name);
  const options = { target: efiTarget, debug, assembly: emitted.assembly };
  writeFileSync(at("module.ll"), emitted.text);
  optimise(at("module.ll"), at("module.bc"), options);
  generate(at("module.bc"), at("module.s"), options, "asm");
  // The longest exit path is looked for in the listing; a listing does not keep the names of source files.
  if (debug || lines) generate(at("module.bc"), at("module.obj"), options, "obj");
  else assembleListing(at("module.s"), at("module.obj"), efiTarget);
  const run = (names: string): { symbols: ImageSymbol[]; sections: ImageSection[] } => {
    writeFileSync(at("data.s"), [...emitted.data, names].join("\n"));
    assembleListing(at("data.s"), at("data.obj"), efiTarget);
    runTool("lld-link-14", linkerFlags(input, at));
    return parseMap(readFileSync(at("image.map"), "utf8"), readFileSync(at("image.efi")), module);
  };
  let linked = run(hasNames ? namesAssembly([]) : "");
  if (hasNames) {
    const table = namesAssembly(linked.symbols);
    linked = run(table);
    if (namesAssembly(linked.symbols) !== table) {
      throw new ToolError("lld-link-14", "the table of names moved the functions that it names");
    }
  }
  const efi = new Uint8Array(readFileSync(at("image.efi")));
  if (lines) runTool("lld-link-14", [...linkerFlags(input, at), "/debug:dwarf", `/out:${at("lines.efi")}`]);
  const [bitcode, listing] = [readFileSync(at("module.bc")), readFileSync(at("module.s"), "utf8")];
  return {
    efi,
    ...linked,
    ...(lines && { withLines: new Uint8Array(readFileSync(at("lines.efi"))) }),
    machineCode: () => machineCodeOf(bitcode, listing),
  };
}

function linkerFlags({ entry, debug, baseAddress }: EfiInput, at: (name: string) => string): string[] {
  const base = `/base:0x${(baseAddress ?? debugBaseAddress).toString(16)}`;
  return [
    "/subsystem:efi_application",
    `/entry:${entry}`,
    "/nodefaultlib",
    "/Brepro",
    "/opt:ref",
    // Firmware loads section by section, whatever their alignment in the file (EDK2's own images have 32). Less would
    // leave no room in the headers for the section of payloads.
    "/filealign:128",
    ...(debug === true ? ["/debug:dwarf", base, "/fixed"] : []),
    `/map:${at("image.map")}`,
    `/out:${at("image.efi")}`,
    at("module.obj"),
    at("data.obj"),
  ];
}

function machineCodeOf(bitcode: Uint8Array, listing: string): MachineCode {
  return { functions: parseListing(listing), loops: parseLoopBounds(describeLoops(bitcode)) };
}
