/**
 * The longest way through optimised machine code, in instructions, calls included: the bound on what one exit can cost.
 *
 * Ways that never return (traps, halts) do not count. A loop counts as often as LLVM can prove that it runs; a loop
 * that it cannot bound, a repeated string instruction, recursion and calls through pointers make the answer "unbounded",
 * with the reason. Both sides of every branch count as possible, so the answer is an upper bound.
 */
import type { LoopBounds, MachineFunction } from "./machine-code.ts";
import { PathAnalysis } from "./path-analysis.ts";
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

/** Finds the longest ways in one program. */
export class ExitPaths {
  readonly #analysis: PathAnalysis;

  constructor(private readonly code: MachineCode) {
    this.#analysis = new PathAnalysis(code.functions, code.loops);
  }

  /** From a function's entry to its return. Throws a RangeError if there is no such function. */
  ofFunction(symbol: string): ExitPath {
    if (!this.code.functions.has(symbol)) throw new RangeError(`the machine code has no function ${symbol}`);
    return described(symbol, this.#analysis.functionWays(symbol, undefined).all);
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
   * stretch does not begin at exactly one place.
   */
  over(stretch: Stretch, through?: string): ExitPath {
    const starts = [...this.code.functions.values()].flatMap((fn) =>
      fn.blocks.filter(({ landmark }) => landmark === stretch.from).map((block) => ({ fn, block })),
    );
    const [start] = starts;
    if (start === undefined || starts.length > 1)
      throw new RangeError(`the machine code has the landmark ${stretch.from} ${starts.length} times`);
    const ways = this.#analysis.stretchWays(start.fn, start.block, stretch.to, through);
    return described(start.fn.symbol, through === undefined ? ways.all : ways.by);
  }
}

/** Measures the longest way from a function's entry to its return. Throws a RangeError if there is no such function. */
export function exitPath(code: MachineCode, symbol: string): ExitPath {
  return new ExitPaths(code).ofFunction(symbol);
}

function described(symbol: string, way: Way): ExitPath {
  if (way.kind === "bounded")
    return { instructions: way.instructions, reason: undefined, ...contributions(symbol, way) };
  const nothing = { functions: [], loops: [] };
  if (way.kind === "never")
    return { instructions: 0, path: [symbol], reason: `${symbol} never returns`, ...nothing };
  return { instructions: "unbounded", path: [symbol, ...way.path], reason: way.reason, ...nothing };
}
