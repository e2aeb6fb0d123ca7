/**
 * What a function reads and writes of the memory that its parameters point to, in bytes from there on: exact where
 * addresses are a parameter plus constants, everything behind where an index is computed.
 *
 * A call that gives nothing back and is given no such pointer can tell the outside something, and learn nothing: it
 * counts for nothing; so does one of an observer, which is told an address and does not go there. The outside does not write what a parameter points to while the function runs; a write through a
 * pointer that was loaded may go anywhere.
 */
import type { Instr, IrFunction, IrGlobal, IrType, Value } from "./ir.ts";

/** Bytes [from, to) behind a pointer. */
export interface Bytes {
  readonly from: number;
  readonly to: number;
}
/** What a function does with what one of its parameters points to. */
export interface Effects {
  readonly reads: readonly Bytes[];
  readonly writes: readonly Bytes[];
}
/** What a function does with what its parameters point to, and whether anything else decides about it. */
export interface FunctionEffects {
  readonly params: readonly Effects[];
  /** It reads memory that no parameter points to and that may change, or asks the machine. */
  readonly readsElsewhere: boolean;
}

/** Functions and globals of a module, as far as it is made. */
export interface EffectsScope {
  function(symbol: string): IrFunction | undefined;
  global(symbol: string): IrGlobal | undefined;
  /** Whether a function hears of stores. */
  observes(symbol: string): boolean;
}

/** Whether two lists of bytes have one in common. */
export function overlap(a: readonly Bytes[], b: readonly Bytes[]): boolean {
  return a.some((x) => b.some((y) => x.from < y.to && y.from < x.to));
}

const everything: Bytes = { from: 0, to: Infinity };
const all: Effects = { reads: [everything], writes: [everything] };

/** Where a pointer leads: behind a parameter, into the function's own slots, to a global, or anywhere. */
type Place =
  | { readonly kind: "param"; readonly index: number; readonly from: number; readonly to: number }
  | { readonly kind: "own" }
  | { readonly kind: "global"; readonly symbol: string }
  | { readonly kind: "anywhere" };

/** Finds the effects of functions, each once. */
export class EffectsAnalysis {
  readonly #done = new Map<string, FunctionEffects>();

  constructor(private readonly scope: EffectsScope) {}

  /** The effects of a function; of one that is not there, anything. */
  of(symbol: string, paramCount: number): FunctionEffects {
    let effects = this.#done.get(symbol);
    if (effects === undefined) {
      const fn = this.scope.function(symbol);
      if (fn === undefined)
        return { params: Array.from({ length: paramCount }, () => all), readsElsewhere: true };
      effects = new FunctionWalk(this, this.scope, fn).effects();
      this.#done.set(symbol, effects);
    }
    return effects;
  }
}

class FunctionWalk {
  readonly #made = new Map<number, Instr>();
  readonly #params: { reads: Bytes[]; writes: Bytes[] }[];
  #readsElsewhere = false;
  /** Addresses that only observers are told. */
  readonly #told = new Set<number>();

  constructor(
    private readonly analysis: EffectsAnalysis,
    private readonly scope: EffectsScope,
    private readonly fn: IrFunction,
  ) {
    this.#params = fn.params.map(() => ({ reads: [], writes: [] }));
  }

  effects(): FunctionEffects {
    for (const { instrs } of this.fn.blocks)
      for (const instr of instrs) {
        this.#made.set(instr.result.id, instr);
        if (instr.op === "call" && this.scope.observes(instr.callee))
          for (const arg of instr.args) if (arg.kind === "result") this.#told.add(arg.id);
      }
    for (const { instrs, end } of this.fn.blocks) {
      for (const instr of instrs) this.#instr(instr);
      if (end?.op === "return" && end.value !== undefined) this.#escape(end.value);
    }
    return { params: this.#params, readsElsewhere: this.#readsElsewhere };
  }

  #place(value: Value): Place {
    if (value.kind === "param") return { kind: "param", index: value.index, from: 0, to: 0 };
    if (value.kind === "symbol") return { kind: "global", symbol: value.symbol };
    const instr = value.kind === "result" ? this.#made.get(value.id) : undefined;
    if (instr?.op === "slot") return { kind: "own" };
    if (instr?.op === "offset") {
      const base = this.#place(instr.base);
      return base.kind === "param"
        ? { ...base, from: base.from + instr.bytes, to: base.to + instr.bytes }
        : base;
    }
    if (instr?.op === "index") {
      const base = this.#place(instr.base);
      return base.kind === "param" ? { ...base, to: Infinity } : base;
    }
    return { kind: "anywhere" };
  }

  #add(kind: "reads" | "writes", at: Value, size: number): void {
    const place = this.#place(at);
    if (place.kind === "param")
      this.#params[place.index]![kind].push({ from: place.from, to: place.to + size });
    else if (place.kind === "anywhere") {
      for (const param of this.#params) param[kind].push(everything);
      if (kind === "reads") this.#readsElsewhere = true;
    } else if (place.kind === "global" && kind === "reads") {
      if (this.scope.global(place.symbol)?.constant !== true) this.#readsElsewhere = true;
    }
  }

  /** A pointer goes where its uses are not seen. */
  #escape(value: Value): void {
    const place = value.type.kind === "ptr" ? this.#place(value) : undefined;
    if (place?.kind !== "param") return;
    this.#params[place.index]!.reads.push(everything);
    this.#params[place.index]!.writes.push(everything);
  }

  #instr(instr: Instr): void {
    switch (instr.op) {
      case "load":
        return this.#add("reads", instr.from, sizeOf(instr.result.type));
      case "store":
        this.#escape(instr.value);
        return this.#add("writes", instr.to, sizeOf(instr.value.type));
      case "rmw":
      case "cmpxchg":
        this.#add("reads", instr.at, 8);
        return this.#add("writes", instr.at, 8);
      case "copy":
        this.#add("reads", instr.from, Infinity);
        return this.#add("writes", instr.to, Infinity);
      case "fill":
        return this.#add("writes", instr.to, Infinity);
      case "call":
        if (this.scope.observes(instr.callee)) return;
        return this.#call(instr.callee, instr.args, instr.result.type);
      case "callAsm":
      case "callPointer":
        for (const arg of instr.args) this.#escape(arg);
        if (instr.result.type.kind !== "void") this.#readsElsewhere = true;
        return;
      case "select":
        this.#escape(instr.a);
        return this.#escape(instr.b);
      case "cast":
        return this.#told.has(instr.result.id) ? undefined : this.#escape(instr.a);
      case "record":
        return instr.fields.forEach((field) => this.#escape(field));
      default:
        return;
    }
  }

  #call(callee: string, args: readonly Value[], result: IrType): void {
    const effects = this.analysis.of(callee, args.length);
    let given = false;
    args.forEach((arg, i) => {
      const place = arg.type.kind === "ptr" ? this.#place(arg) : undefined;
      if (place === undefined || place.kind === "own" || place.kind === "global") return;
      given = true;
      const own = effects.params[i] ?? all;
      for (const kind of ["reads", "writes"] as const) {
        for (const bytes of own[kind]) {
          if (place.kind === "param")
            this.#params[place.index]![kind].push({ from: place.from + bytes.from, to: place.to + bytes.to });
          else for (const param of this.#params) param[kind].push(everything);
        }
      }
    });
    if (effects.readsElsewhere && (given || result.kind !== "void")) this.#readsElsewhere = true;
  }
}

function sizeOf(type: IrType): number {
  return type.kind === "int" ? Math.max(1, type.bits / 8) : 8;
}
