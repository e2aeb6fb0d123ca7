/**
 * Runs the same source twice, in Node and as WebAssembly, for tests that compare the two.
 *
 *     const twin = await makeTwin("compiler/lang/expressions/element.feature.ts");
 *     twin.call("byte", 3)  // { node: 111, native: 111 }
 *
 * The file exports `program`; every entry point is callable on both sides.
 */
import { resolve } from "node:path";
import type { EntryPoint, Program } from "../../../dsl/core/program.ts";
import { runFrontEnd } from "../../front-end.ts";
import type { IrModule } from "../../ir/ir.ts";
import { instantiate, type WasmInstance } from "../../link/instantiate.ts";
import { linkWasm } from "../../link/wasm.ts";
import { lowerProgram } from "../lower.ts";

type Scalar = number | bigint | boolean | undefined;

/** Both sides of one program. */
export interface Twin {
  readonly module: IrModule;
  readonly wasm: WasmInstance;
  /** Calls an entry point on both sides; a trap on either is the text `"trap"`. */
  call(
    symbol: string,
    ...args: Scalar[]
  ): { readonly node: Scalar | "trap"; readonly native: Scalar | "trap" };
}

/** Lowers the `program` that a file exports. Throws DiagnosticError where it is refused. */
export function lowerFile(file: string): { module: IrModule; program: Program } {
  const frontEnd = runFrontEnd(resolve(file));
  const program = frontEnd.root["program"] as Program;
  return { module: lowerProgram(frontEnd, program, { debug: false }), program };
}

/** Compiles a file's program to WebAssembly beside the same program in Node. */
export async function makeTwin(file: string): Promise<Twin> {
  const { module, program } = lowerFile(file);
  return linkTwin(module, program);
}

/** Links a lowered program to WebAssembly beside the same program in Node. */
export async function linkTwin(module: IrModule, program: Program): Promise<Twin> {
  const { wasm } = linkWasm(
    module,
    program.entries.map((entry) => entry.symbol),
  );
  const instance = await instantiate(wasm);
  const entries = new Map<string, EntryPoint>(program.entries.map((entry) => [entry.symbol, entry]));
  return {
    module,
    wasm: instance,
    call(symbol, ...args) {
      const entry = entries.get(symbol);
      if (entry === undefined) throw new Error(`no entry point ${symbol}`);
      return { node: inNode(entry, args), native: inWasm(entry, instance, args) };
    },
  };
}

function inNode(entry: EntryPoint, args: readonly Scalar[]): Scalar | "trap" {
  try {
    const result = (entry.fn as (...a: readonly Scalar[]) => Scalar)(...args);
    // What lies beside a build-time array is undefined in Node, and a trap on the machine.
    return result === undefined && entry.result !== undefined ? "trap" : result;
  } catch {
    return "trap";
  }
}

function inWasm(entry: EntryPoint, instance: WasmInstance, args: readonly Scalar[]): Scalar | "trap" {
  try {
    const raw = instance.functions[entry.symbol]!(
      ...args.map((a) => (typeof a === "boolean" ? Number(a) : a!)),
    );
    const { result } = entry;
    if (result === undefined) return undefined;
    if (result.kind === "bool") return (Number(raw) & 0xff) !== 0;
    if (result.bits === 64)
      return result.signed ? BigInt.asIntN(64, raw as bigint) : BigInt.asUintN(64, raw as bigint);
    const unsigned = BigInt.asUintN(result.bits, BigInt(raw));
    return Number(result.signed ? BigInt.asIntN(result.bits, unsigned) : unsigned);
  } catch {
    return "trap";
  }
}
