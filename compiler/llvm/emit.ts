/**
 * From the IR to LLVM assembly: the prelude's text is loaded, every stub is filled through the builder, LLVM's verifier
 * checks the whole, and the printed text gets the annotations that the builder has no words for.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { IrModule } from "../ir/ir.ts";
import { verifyModule, type IrProblem } from "../ir/verify.ts";
import { Annotations } from "./annotate.ts";
import { LlvmModule } from "./binding.ts";
import { ModuleDebug } from "./debug-info.ts";
import { FunctionEmitter } from "./emit-function.ts";
import { preludeOf, type AssemblyOrigin } from "./prelude.ts";
import type { Target } from "./target.ts";
import { assemble } from "./toolchain.ts";

/** A module breaks the IR's rules: always a fault of the compiler. */
export class InvalidModuleError extends Error {
  override name = "InvalidModuleError";

  constructor(readonly problems: readonly IrProblem[]) {
    super(
      problems
        .map(({ symbol, block, message }) => `${symbol}${block ? `, ${block}` : ""}: ${message}`)
        .join("\n"),
    );
  }
}

/** A module as LLVM assembly, and where its own assembly lines came from. */
export interface Emitted {
  readonly text: string;
  readonly assembly: readonly AssemblyOrigin[];
  /** Assembly of an object to link beside the module: large initialisers. */
  readonly data: readonly string[];
}

export interface EmitOptions {
  readonly target: Target;
  readonly debug: boolean;
  /** Says where each instruction comes from, and nothing else that would change the code. */
  readonly lines?: boolean;
  /** Symbols that the linker supplies. */
  readonly external: ReadonlySet<string>;
  /** A folder for this build's files. */
  readonly folder: string;
}

/** Emits a module. Throws `InvalidModuleError`, and `ToolError` for bad assembly constraints. */
export function emitModule(module: IrModule, options: EmitOptions): Emitted {
  const { target, debug, external, folder } = options;
  const problems = verifyModule(module);
  if (problems.length > 0) throw new InvalidModuleError(problems);
  mkdirSync(folder, { recursive: true });
  const blobs: string[] = [];
  const storeBlob = (symbol: string, bytes: Uint8Array): string => {
    const path = join(folder, `blob${blobs.push(symbol)}.bin`);
    writeFileSync(path, bytes);
    return path;
  };
  const prelude = preludeOf(module, { target, debug, external, storeBlob });
  const path = join(folder, "prelude.ll");
  writeFileSync(path, prelude.text);
  assemble(path);
  const llvm = new LlvmModule(path);
  const annotations = new Annotations();
  const detail = debug ? "locals" : options.lines === true ? "lines" : undefined;
  const debugInfo = detail === undefined ? undefined : new ModuleDebug(llvm, module, detail);
  const context = { llvm, target, annotations, trapHandler: module.trapHandler };
  for (const fn of module.functions) new FunctionEmitter(context, fn, debugInfo?.functionDebug(fn)).emit();
  const text = annotations.apply(debugInfo === undefined ? llvm.print() : debugInfo.finish(llvm));
  return { text, assembly: prelude.assembly, data: prelude.data };
}
