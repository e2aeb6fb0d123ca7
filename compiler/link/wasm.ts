/**
 * From the IR to WebAssembly, where language features and kernel logic run on the build machine.
 *
 *     const { wasm } = linkWasm(module, ["add"]);
 *     const { functions, addresses, memory } = await instantiate(wasm, { host }); // instantiate.ts
 *
 * Exports are functions, and globals as their addresses. `module.imports` come from `env`. 64-bit integers cross as
 * `bigint`, i8 and i16 are zero-extended, i32 results arrive signed, pointers are 32-bit
 * numbers in registers and 8 bytes in memory.
 */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IrModule } from "../ir/ir.ts";
import { emitModule } from "../llvm/emit.ts";
import { wasmTarget } from "../llvm/target.ts";
import { stackPointer } from "./instantiate.ts";
import { discard, generate, optimise, runTool } from "../llvm/toolchain.ts";

/** A module holds something that only the bare machine has. */
export class HostTargetError extends Error {
  override name = "HostTargetError";
}

/** Links a WebAssembly module that exports some functions and globals. Throws `ToolError` and `HostTargetError`. */
export function linkWasm(module: IrModule, exports: readonly string[]): { wasm: Uint8Array } {
  const bare = module.naked[0]?.displayName ?? module.asmSites[0]?.site;
  if (bare !== undefined) throw new HostTargetError(`${bare} is assembly, which the host target cannot run`);
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  try {
    return { wasm: link(module, new Set(exports), folder) };
  } finally {
    discard(folder);
  }
}

function link(module: IrModule, exported: ReadonlySet<string>, folder: string): Uint8Array {
  const visible: IrModule = {
    ...module,
    functions: module.functions.map((fn) => (exported.has(fn.symbol) ? { ...fn, exported: true } : fn)),
    globals: module.globals.map((g) => (exported.has(g.symbol) ? { ...g, exported: true } : g)),
  };
  const at = (name: string): string => join(folder, name);
  const emitted = emitModule(visible, { target: wasmTarget, debug: false, external: new Set(), folder });
  const options = { target: wasmTarget, debug: false, assembly: emitted.assembly };
  writeFileSync(at("module.ll"), emitted.text);
  optimise(at("module.ll"), at("module.bc"), options);
  generate(at("module.bc"), at("module.o"), options, "obj");
  const imports = new Set((module.imports ?? []).map(({ symbol }) => symbol));
  writeFileSync(at("imports.txt"), [...imports, ""].join("\n"));
  runTool("wasm-ld-14", [
    "--no-entry",
    // A stack that overflows traps instead of overwriting data.
    "--stack-first",
    ...["-z", "stack-size=1048576"],
    `--allow-undefined-file=${at("imports.txt")}`,
    ...[stackPointer, ...exported].map((symbol) => `--export=${symbol}`),
    "-o",
    at("module.wasm"),
    at("module.o"),
  ]);
  return new Uint8Array(readFileSync(at("module.wasm")));
}
