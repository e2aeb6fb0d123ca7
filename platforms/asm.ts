/**
 * Assembly, for `platforms/` only: sites inside compiled functions, and functions that are assembly altogether.
 * AT&T syntax throughout.
 */
import type { IntDescriptor, u64 } from "../dsl/core/int.ts";
import { intrinsic } from "../dsl/core/intrinsics.ts";
import type { AnyFunction, BoolDescriptor, ValueOf } from "../dsl/core/layout.ts";

type Scalar = IntDescriptor<unknown> | BoolDescriptor;
type Values<D extends readonly Scalar[]> = { -readonly [K in keyof D]: ValueOf<D[K]> };

/** An inline-assembly site in LLVM's template (`$0`, `${0:b}`, `$$` for a dollar sign) and constraint syntax. */
export interface AsmDefinition {
  readonly template: string;
  /** For example `={ax},{dx},~{memory}`; the compiler adds the clobbers of the flags. */
  readonly constraints: string;
  readonly params: readonly Scalar[];
  readonly result: Scalar | undefined;
  /** False where the result depends on the operands alone, so that an unused or repeated site may go. */
  readonly sideEffects: boolean;
}

/** A function that is assembly altogether: the compiler adds nothing to it. */
export interface NakedDefinition {
  /** Its symbol in the image. */
  readonly symbol: string;
  /** Instructions and labels; `%{name}` stands for the symbol of `uses.name`. */
  readonly lines: readonly string[];
  /** Functions and static storage that the text names. Functions named here keep the platform's C convention. */
  readonly uses?: Readonly<Record<string, object>>;
  readonly section?: string;
}

const asmSites = new WeakMap<object, AsmDefinition>();
const nakedFunctions = new WeakMap<object, NakedDefinition>();

/** Declares an assembly site as a function. Calling it in Node throws. */
export function asm<const P extends readonly Scalar[], R extends Scalar | undefined = undefined>(definition: {
  readonly template: string;
  readonly constraints: string;
  readonly params: P;
  readonly result?: R;
  readonly sideEffects?: boolean;
}): (...args: Values<P>) => R extends Scalar ? ValueOf<R> : void {
  const site = (): never => {
    throw new Error(`assembly does not run in Node: ${definition.template}`);
  };
  asmSites.set(
    site,
    Object.freeze({ ...definition, result: definition.result, sideEffects: definition.sideEffects ?? true }),
  );
  return site;
}

/** Declares a naked function. `addressOfFunction` gives its address; only another naked function can jump to it. */
export function naked(definition: NakedDefinition): () => never {
  const fn = (): never => {
    throw new Error(`${definition.symbol} is assembly and does not run in Node`);
  };
  nakedFunctions.set(fn, Object.freeze(definition));
  return fn;
}

export function asmDefinition(value: object): AsmDefinition | undefined {
  return asmSites.get(value);
}
export function nakedDefinition(value: object): NakedDefinition | undefined {
  return nakedFunctions.get(value);
}

/** The run-time address of a compiled or naked function. */
export const addressOfFunction = intrinsic("addressOfFunction", (_fn: AnyFunction): u64 => {
  throw new Error("functions have no address in Node");
});
/** Where the image was loaded: the address of its headers. */
export const imageBase = intrinsic("imageBase", (): u64 => {
  throw new Error("there is no image in Node");
});
/** Calls a firmware function at an address with up to 10 integer arguments, in the platform's C convention; returns its status. */
export const callFirmware = intrinsic("callFirmware", (_fn: u64, ..._args: readonly u64[]): u64 => {
  throw new Error("there is no firmware in Node");
});
