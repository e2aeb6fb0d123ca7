/**
 * Handlers of a device twice, for one target: compiled from the device's declaration, and written by hand in C; and a
 * harness that calls both and counts the instructions that each call executes, step by step.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lowerProgram } from "../../../compiler/lang/lower.ts";
import { runFrontEnd } from "../../../compiler/front-end.ts";
import { linkEfi } from "../../../compiler/link/efi.ts";
import { runTool } from "../../../compiler/llvm/toolchain.ts";
import { repositoryRoot } from "../../../compiler/root.ts";
import type { Program } from "../../../dsl/core/program.ts";

/** A call of a function that both programs have. */
export interface HandlerCall {
  readonly symbol: string;
  readonly args?: readonly (number | bigint)[];
  /** Bits of what it returns; without them it returns nothing. */
  readonly bits?: 8 | 16 | 32 | 64;
}

/** What a call gave in one program. */
export interface CallResult {
  readonly value: bigint;
  /** Instructions, its own and those of what it calls, with the return. */
  readonly instructions: number;
}

/** Both programs' results, call by call. */
export interface BothResults {
  readonly dsl: readonly CallResult[];
  readonly c: readonly CallResult[];
}

/** Both programs, ready to be called. */
export interface HandlerPair {
  /** Calls both from their initial state, in order. */
  call(calls: readonly HandlerCall[]): BothResults;
}

interface Image {
  readonly file: string;
  readonly rvas: ReadonlyMap<string, number>;
}

const here = import.meta.dirname;

/** As `efiTarget` compiles: no vector registers, no red zone, no jump tables, frame pointers but in leaves. */
const flags = [
  ...["--target=x86_64-unknown-windows", "-std=c11", "-O2", "-ffreestanding", "-fno-jump-tables"],
  ...[
    "-mno-red-zone",
    "-fno-omit-frame-pointer",
    "-momit-leaf-frame-pointer",
    "-mno-mmx",
    "-mno-sse",
    "-mno-sse2",
    "-msoft-float",
    "-mno-stack-arg-probe",
    "-Wall",
    "-Werror",
  ],
];

/** Builds both programs of a device into a folder. */
export function buildHandlers(device: string, folder: string): HandlerPair {
  const own = join(here, `${device}.ts`);
  const source = existsSync(own) ? own : join(repositoryRoot, `devices/testing/${device}.ts`);
  const images = [dslImage(source, join(folder, `${device}.dsl.efi`)), cImage(device, folder)];
  const harness = buildHarness(folder);
  return {
    call: (calls) => {
      const [dsl, c] = images.map((image, index) => ran(harness, images, { image, index, calls }));
      return { dsl, c };
    },
  };
}

/** Builds the program that a file exports into a folder, and gives what calls it from its initial state. */
export function buildProgram(
  source: string,
  folder: string,
): (calls: readonly HandlerCall[]) => readonly CallResult[] {
  const image = dslImage(source, join(folder, "program.efi"));
  const harness = buildHarness(folder);
  return (calls) => ran(harness, [image], { image, index: 0, calls });
}

function buildHarness(folder: string): string {
  const harness = join(folder, "harness");
  runTool("clang-14", ["-std=gnu11", "-O2", "-Wall", "-Werror", "-o", harness, join(here, "harness.c")]);
  return harness;
}

/** The program that a file exports, as an image. */
function dslImage(source: string, file: string): Image {
  const frontEnd = runFrontEnd(source);
  const program = frontEnd.root["program"] as Program;
  const hot = program.entries.map(({ symbol }) => symbol);
  const module = lowerProgram(frontEnd, program, { debug: false });
  const { efi, symbols } = linkEfi({ module, entry: hot[0], hot });
  writeFileSync(file, efi);
  return { file, rvas: new Map(symbols.map(({ symbol, rva }) => [symbol, rva])) };
}

function cImage(device: string, folder: string): Image {
  mkdirSync(folder, { recursive: true });
  const at = (ending: string): string => join(folder, `${device}.c.${ending}`);
  runTool("clang-14", [...flags, "-c", "-o", at("obj"), join(here, `${device}.c`)]);
  runTool("lld-link-14", [
    ...["/subsystem:efi_application", "/entry:initialise", "/nodefaultlib", "/fixed", "/Brepro"],
    ...[`/map:${at("map")}`, `/out:${at("efi")}`, at("obj")],
  ]);
  const map = readFileSync(at("map"), "utf8");
  const base = Number(/Preferred load address is ([0-9a-f]+)/.exec(map)?.[1].replace(/^/, "0x"));
  const rvas = [...map.matchAll(/^ \d{4}:[0-9a-f]{8} +(\S+) +([0-9a-f]{16}) /gm)].map(
    ([, symbol, address]): [string, number] => [symbol, Number(`0x${address}`) - base],
  );
  return { file: at("efi"), rvas: new Map(rvas) };
}

interface Run {
  readonly image: Image;
  readonly index: number;
  readonly calls: readonly HandlerCall[];
}

const parameters = 3;

function ran(harness: string, images: readonly Image[], { image, index, calls }: Run): CallResult[] {
  const script = calls.map(({ symbol, args = [] }) => {
    const rva = image.rvas.get(symbol);
    if (rva === undefined) throw new Error(`there is no function ${symbol} in ${image.file}`);
    const values = Array.from({ length: parameters }, (_, i) => (args[i] ?? 0).toString(16));
    return [index, rva.toString(16), ...values].join(" ");
  });
  const { status, stdout, stderr } = spawnSync(
    harness,
    images.map(({ file }) => file),
    { input: `${script.join("\n")}\n`, encoding: "utf8", maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(`the handlers could not be run: ${stderr}`);
  const lines = stdout.trimEnd().split("\n");
  if (lines.length !== calls.length) throw new Error(`${lines.length} of ${calls.length} calls were made`);
  return lines.map((line, i) => {
    const [value, instructions] = line.split(" ");
    return {
      value: BigInt.asUintN(calls[i].bits ?? 0, BigInt(`0x${value}`)),
      instructions: Number(instructions),
    };
  });
}
