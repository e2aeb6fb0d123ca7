/** The debug-information half of `binding.ts`; these two files alone import `llvm-bindings`. */
import llvm from "llvm-bindings";
import type { LlvmBlock, LlvmFunction, LlvmModule, LlvmValue } from "./binding.ts";

export type LlvmScope = llvm.DILocalScope;
export type LlvmFile = llvm.DIFile;
export type LlvmDebugType = llvm.DIType;

/** Source of a debugger's knowledge of one module: DWARF 4 with line tables, locals and globals. */
export class LlvmDebug {
  readonly #llvm: LlvmModule;
  readonly #builder: llvm.DIBuilder;
  readonly #unit: llvm.DICompileUnit;
  readonly #files = new Map<string, LlvmFile>();

  constructor(module: LlvmModule, mainFile: string) {
    this.#llvm = module;
    const { Warning } = llvm.Module.ModFlagBehavior;
    module.raw.addModuleFlag(Warning, "Debug Info Version", llvm.LLVMConstants.DEBUG_METADATA_VERSION);
    module.raw.addModuleFlag(Warning, "Dwarf Version", 4);
    this.#builder = new llvm.DIBuilder(module.raw);
    const language = llvm.dwarf.SourceLanguage.DW_LANG_C99;
    this.#unit = this.#builder.createCompileUnit(language, this.file(mainFile), "typevisor", false, "", 0);
  }

  /** A source file; paths are as the IR gives them, relative to where the debugger runs. */
  file(path: string): LlvmFile {
    let made = this.#files.get(path);
    if (made === undefined) this.#files.set(path, (made = this.#builder.createFile(path, ".")));
    return made;
  }

  /** A type known by name only; `debug-info.ts` puts its definition into the printed text. */
  placeholder(name: string): LlvmDebugType {
    return this.#builder.createBasicType(name, 8, llvm.dwarf.TypeKind.DW_ATE_unsigned);
  }

  subprogram(fn: LlvmFunction, name: string, linkageName: string, file: LlvmFile, line: number): LlvmScope {
    const type = this.#builder.createSubroutineType(this.#builder.getOrCreateTypeArray([null]));
    const { SPFlagDefinition } = llvm.DISubprogram.DISPFlags;
    const { FlagPrototyped } = llvm.DINode.DIFlags;
    const flags = [FlagPrototyped, SPFlagDefinition] as const;
    const made = this.#builder.createFunction(
      this.#unit,
      name,
      linkageName,
      file,
      line,
      type,
      line,
      ...flags,
    );
    fn.setSubprogram(made);
    return made;
  }

  /** The scope of code that came from another file than its function. */
  fileScope(scope: LlvmScope, file: LlvmFile, line: number): LlvmScope {
    return this.#builder.createLexicalBlock(scope, file, line, 1);
  }

  /** Lines of what the builder makes from now on. */
  locate(scope: LlvmScope, line: number, column: number): void {
    const location = llvm.DILocation.get(this.#llvm.context, line, column, scope);
    this.#llvm.builder.SetCurrentDebugLocation(location);
  }

  /** Names the storage of a local, or of the parameter with this number (from 1). */
  declare(
    storage: LlvmValue,
    at: {
      name: string;
      scope: LlvmScope;
      file: LlvmFile;
      line: number;
      column: number;
      argument: number | undefined;
    },
    type: LlvmDebugType,
    block: LlvmBlock,
  ): void {
    const { name, scope, file, line, argument } = at;
    const variable =
      argument === undefined
        ? this.#builder.createAutoVariable(scope, name, file, line, type, true)
        : this.#builder.createParameterVariable(scope, name, argument, file, line, type, true);
    const location = llvm.DILocation.get(this.#llvm.context, line, at.column, scope);
    this.#builder.insertDeclare(storage, variable, this.#builder.createExpression(), location, block);
  }

  /** Names a global. */
  global(symbol: string, name: string, file: LlvmFile, line: number, type: LlvmDebugType): void {
    const variable = this.#llvm.raw.getGlobalVariable(symbol, true);
    const made = this.#builder.createGlobalVariableExpression(
      this.#unit,
      name,
      symbol,
      file,
      line,
      type,
      true,
    );
    variable?.addDebugInfo(made);
  }

  finish(): void {
    this.#builder.finalize();
  }
}
