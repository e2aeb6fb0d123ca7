import type { DebugType, IrFunction, IrModule, Loc } from "../ir/ir.ts";
import { LlvmDebug, type LlvmScope } from "./binding-debug.ts";
import type { LlvmBlock, LlvmModule, LlvmValue } from "./binding.ts";
import { DebugTypes } from "./debug-types.ts";

/**
 * How much is said: the line of each instruction, which leaves optimised code as it is; or what gdb needs beside it for
 * locals and globals.
 */
export type DebugDetail = "lines" | "locals";

/** Debug information of a module. */
export class ModuleDebug {
  readonly debug: LlvmDebug;
  readonly types = new DebugTypes();

  constructor(
    readonly llvm: LlvmModule,
    module: IrModule,
    readonly detail: DebugDetail,
  ) {
    this.debug = new LlvmDebug(llvm, module.functions[0]?.loc.file ?? module.name);
    if (detail === "lines") return;
    for (const { symbol, displayName, loc, debugType } of module.globals) {
      if (loc === undefined || debugType === undefined) continue;
      const type = this.debug.placeholder(this.types.placeholder(debugType));
      this.debug.global(symbol, displayName, this.debug.file(loc.file), loc.line, type);
    }
  }

  functionDebug(fn: IrFunction): FunctionDebug {
    return new FunctionDebug(this, fn);
  }

  /** Prints the module with complete debug information. */
  finish(llvm: LlvmModule): string {
    this.debug.finish();
    return this.types.define(llvm.print());
  }
}

/** Debug information of one function while its body is emitted. */
export class FunctionDebug {
  /** Whether locals are declared. */
  readonly locals: boolean;
  readonly #scope: LlvmScope;
  readonly #fileScopes = new Map<string, LlvmScope>();
  readonly #declared = new Set<string>();

  constructor(
    private readonly module: ModuleDebug,
    private readonly fn: IrFunction,
  ) {
    const { debug, llvm } = module;
    this.locals = module.detail === "locals";
    const { file, line } = fn.loc;
    this.#scope = debug.subprogram(
      llvm.function(fn.symbol),
      fn.displayName,
      fn.symbol,
      debug.file(file),
      line,
    );
    this.#fileScopes.set(file, this.#scope);
  }

  #scopeOf(loc: Loc): LlvmScope {
    let scope = this.#fileScopes.get(loc.file);
    if (scope === undefined) {
      scope = this.module.debug.fileScope(this.#scope, this.module.debug.file(loc.file), loc.line);
      this.#fileScopes.set(loc.file, scope);
    }
    return scope;
  }

  /** Says where the next instructions come from. */
  locate(loc: Loc = this.fn.loc): void {
    this.module.debug.locate(this.#scopeOf(loc), loc.line, loc.column);
  }

  /** Names the storage of a local; a parameter's own storage becomes that parameter. */
  declare(storage: LlvmValue, name: string, type: DebugType, loc: Loc = this.fn.loc, block: LlvmBlock): void {
    if (!this.locals) return;
    const { debug, types } = this.module;
    const index = this.fn.params.findIndex((param) => param.name === name);
    const argument = index >= 0 && !this.#declared.has(name) ? index + 1 : undefined;
    this.#declared.add(name);
    const { file, line, column } = loc;
    const at = { name, scope: this.#scopeOf(loc), file: debug.file(file), line, column, argument };
    debug.declare(storage, at, debug.placeholder(types.placeholder(type)), block);
  }
}
