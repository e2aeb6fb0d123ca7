/**
 * The longest way through optimised machine code, in instructions, calls included: the bound on what one exit can cost.
 *
 * Ways that never return (traps, halts) do not count. A loop counts as often as LLVM can prove that it runs; a loop
 * that it cannot bound, a repeated string instruction, recursion and calls through pointers make the answer "unbounded",
 * with the reason. A loop that waits for somebody else (a landmark says so) counts as one turn, and is told. Both sides
 * of every branch count as possible, so the answer is an upper bound.
 */
import { waitPrefix } from "../../dsl/core/landmark.ts";
import { LeastPaths, lesser, type Least } from "./least-path.ts";
import type { LoopBounds, MachineBlock, MachineFunction } from "./machine-code.ts";
import { longerWays, PathAnalysis, type Ways } from "./path-analysis.ts";
import { contributions, type PathFunction, type PathLoop, type Way } from "./way.ts";

/** The longest way between two places. */
export interface ExitPath {
  readonly instructions: number | "unbounded";
  /** Functions in the order in which the way comes to them; for "unbounded", the chain of calls to the reason. */
  readonly path: readonly string[];
  /** Why there is no bound, or no way. */
  readonly reason: string | undefined;
  /** What the functions on the way add to it, the largest first. */
  readonly functions: readonly PathFunction[];
  /** The loops on the way, the largest first. */
  readonly loops: readonly PathLoop[];
}

/** Machine code and what is known of its loops. */
export interface MachineCode {
  readonly functions: ReadonlyMap<string, MachineFunction>;
  readonly loops: LoopBounds;
}

/** A part of one function: from a landmark to one of others, or to the function's return. */
export interface Stretch {
  readonly from: string;
  readonly to: readonly string[];
}

/** Finds the longest and the shortest ways in one program. */
export class ExitPaths {
  readonly #analysis: PathAnalysis;
  readonly #least: LeastPaths;

  constructor(private readonly code: MachineCode) {
    this.#analysis = new PathAnalysis(code.functions, code.loops);
    this.#least = new LeastPaths(code.functions);
  }

  /** From a function's entry to its return. Throws a RangeError if there is no such function. */
  ofFunction(symbol: string): ExitPath {
    if (!this.code.functions.has(symbol)) throw new RangeError(`the machine code has no function ${symbol}`);
    return described(symbol, this.#analysis.functionWays(symbol).all);
  }

  /** What a CPU may wait for on ways over a stretch, until somebody else has done it. */
  waits(stretch: Stretch): string[] {
    const { by } = this.#ways(stretch).longest;
    return [...by.keys()]
      .flatMap((name) => (name.startsWith(waitPrefix) ? [name.slice(waitPrefix.length)] : []))
      .sort();
  }

  /** The names of the landmarks in the code. */
  landmarks(): string[] {
    const names = new Set<string>();
    for (const fn of this.code.functions.values())
      for (const { landmark } of fn.blocks) if (landmark !== undefined) names.add(landmark);
    return [...names].sort();
  }

  /**
   * The longest way over a stretch; with `through`, of those that come by that landmark. Throws a RangeError where the
   * stretch begins nowhere.
   */
  over(stretch: Stretch, through?: string): ExitPath {
    const { symbol } = this.#startsOf(stretch)[0]!.fn;
    const { longest } = this.#ways(stretch);
    if (through === undefined) return described(symbol, longest.all);
    const way = longest.by.get(through);
    if (way === undefined) return { ...nothing, path: [symbol], reason: `no way comes by ${through}` };
    return described(symbol, way);
  }

  /** Instructions of the shortest way over a stretch, of those that come by `through`; infinite where there is none. */
  least(stretch: Stretch, through?: string): number {
    const { least } = this.#ways(stretch);
    return through === undefined ? least.all : (least.by.get(through) ?? Infinity);
  }

  readonly #known = new Map<Stretch, { readonly longest: Ways; readonly least: Least }>();

  #ways(stretch: Stretch): { readonly longest: Ways; readonly least: Least } {
    const known = this.#known.get(stretch);
    if (known !== undefined) return known;
    const starts = this.#startsOf(stretch);
    const found = {
      longest: starts
        .map(({ fn, block }) => this.#analysis.stretchWays(fn, block, stretch.to))
        .reduce(longerWays),
      least: starts.map(({ fn, block }) => this.#least.ofStretch(fn, block, stretch.to)).reduce(lesser),
    };
    this.#known.set(stretch, found);
    return found;
  }

  /** The function and the block where a stretch begins: one place, which the optimiser may have duplicated. */
  #startsOf({ from }: Stretch): readonly { readonly fn: MachineFunction; readonly block: MachineBlock }[] {
    const starts = [...this.code.functions.values()].flatMap((fn) =>
      fn.blocks.filter(({ landmark }) => landmark === from).map((block) => ({ fn, block })),
    );
    if (starts.length === 0) throw new RangeError(`the machine code has no landmark ${from}`);
    return starts;
  }
}

/** Measures the longest way from a function's entry to its return. Throws a RangeError if there is no such function. */
export function exitPath(code: MachineCode, symbol: string): ExitPath {
  return new ExitPaths(code).ofFunction(symbol);
}

const nothing = { instructions: 0, functions: [], loops: [] } as const;

function described(symbol: string, way: Way): ExitPath {
  if (way.kind === "bounded")
    return { instructions: way.instructions, reason: undefined, ...contributions(symbol, way) };
  if (way.kind === "never") return { ...nothing, path: [symbol], reason: `${symbol} never returns` };
  return { ...nothing, instructions: "unbounded", path: [symbol, ...way.path], reason: way.reason };
}
