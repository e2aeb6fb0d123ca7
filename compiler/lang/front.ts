/** What lowering asks of the stages before it. */
import type { ts } from "ts-morph";
import type * as AsmModule from "../../platforms/asm.ts";
import type * as BindingModule from "../../dsl/core/binding.ts";
import type * as IntrinsicsModule from "../../dsl/core/intrinsics.ts";
import type * as LayoutModule from "../../dsl/core/layout.ts";
import type * as MemoryModule from "../../dsl/core/memory.ts";
import type * as StorageModule from "../../dsl/core/storage.ts";

/** A function value's place in the source, and what it captured. */
export interface FunctionSite {
  readonly id: string;
  readonly node: ts.FunctionLikeDeclaration;
  /** For backtraces and the ledger: `Uart.write.thr`. */
  readonly name: string;
  captures(): ReadonlyMap<string, unknown>;
}

/** The modules of the language as evaluated in the image's realm: their registries live there. */
export interface CoreModules {
  readonly intrinsics: typeof IntrinsicsModule;
  readonly layout: typeof LayoutModule;
  readonly storage: typeof StorageModule;
  readonly binding: typeof BindingModule;
  readonly memory: typeof MemoryModule;
  /** Absent where the program has no platform. */
  readonly asm: typeof AsmModule | undefined;
}

export type Stratum = "model" | "kernel" | "platform" | "dsl" | "image" | "test";

/** The front end of one build. */
export interface Front {
  readonly checker: ts.TypeChecker;
  readonly core: CoreModules;
  site(fn: object): FunctionSite | undefined;
  stratumOf(fileName: string): Stratum;
  /** Path of a file as the user knows it: relative to the project, with `/`. */
  displayPath(fileName: string): string;
  /** Records a refusal. `trail`: the calls that led to this specialisation, innermost first. */
  refuse(
    code: string,
    node: ts.Node,
    args: Readonly<Record<string, string>>,
    trail: readonly ts.Node[],
  ): void;
}
