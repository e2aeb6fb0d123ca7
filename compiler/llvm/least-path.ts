/**
 * The shortest ways through machine code, in instructions: what no exit can cost less than. Together with the longest
 * way it brackets what is measured.
 */
import type { Exit, MachineBlock, MachineCall, MachineFunction } from "./machine-code.ts";

/** The least of all ways, infinite where there is none, and by landmark the least of those that come by it. */
export interface Least {
  readonly all: number;
  readonly by: ReadonlyMap<string, number>;
}

const nowhereBy: ReadonlyMap<string, number> = new Map();
const free: Least = { all: 0, by: nowhereBy };
const none: Least = { all: Infinity, by: nowhereBy };

/** Finds shortest ways in one program. */
export class LeastPaths {
  readonly #known = new Map<string, Least>();

  constructor(private readonly functions: ReadonlyMap<string, MachineFunction>) {}

  /** From the start of a block to the function's return, or to one of the landmarks `to`. */
  ofStretch(fn: MachineFunction, from: MachineBlock, to: readonly string[]): Least {
    const blocks = new Map(fn.blocks.map((block) => [block.label, block]));
    const own = new Map(fn.blocks.map((block) => [block, this.#through(block)]));
    const isEnd = (block: MachineBlock): boolean =>
      block.landmark !== undefined && to.includes(block.landmark);

    /** By block, the least from its start to the end. */
    const rest = new Map<MachineBlock, number>();
    const onward = (block: MachineBlock): number =>
      Math.min(
        ...block.exits.map((exit) => {
          const next = exit.kind === "block" ? blocks.get(exit.label) : undefined;
          if (next === undefined) return exit.kind === "block" ? Infinity : this.#leaving(exit).all;
          return isEnd(next) ? 0 : (rest.get(next) ?? Infinity);
        }),
      );
    settle(fn.blocks.toReversed(), rest, (block) => own.get(block)! + onward(block));

    /** By block, the least from the beginning to its start. */
    const before = new Map([[from, 0]]);
    for (let changed = true; changed;) {
      changed = false;
      for (const block of fn.blocks) {
        const done = before.get(block);
        if (done === undefined) continue;
        for (const exit of block.exits) {
          const next = exit.kind === "block" ? blocks.get(exit.label) : undefined;
          const reached = done + own.get(block)!;
          if (next === undefined || isEnd(next) || reached >= (before.get(next) ?? Infinity)) continue;
          before.set(next, reached);
          changed = true;
        }
      }
    }

    const by = new Map<string, number>();
    for (const [block, done] of before) {
      const whole = done + own.get(block)! + onward(block);
      const shorten = (landmark: string, least: number): void => {
        if (least < (by.get(landmark) ?? Infinity)) by.set(landmark, least);
      };
      if (block.landmark !== undefined) shorten(block.landmark, whole);
      for (const call of block.calls) {
        const callee = this.#call(call);
        for (const [landmark, least] of callee.by) shorten(landmark, whole - callee.all + least);
      }
      for (const exit of block.exits) {
        if (exit.kind === "block") continue;
        for (const [landmark, least] of this.#leaving(exit).by)
          shorten(landmark, done + own.get(block)! + least);
      }
    }
    return { all: rest.get(from) ?? Infinity, by };
  }

  #ofFunction(symbol: string): Least {
    const known = this.#known.get(symbol);
    if (known !== undefined) return known;
    const fn = this.functions.get(symbol);
    if (fn === undefined) return none;
    // No shortest way comes by a function that is being looked at.
    this.#known.set(symbol, none);
    const least = this.ofStretch(fn, fn.blocks[0]!, []);
    this.#known.set(symbol, least);
    return least;
  }

  /** A block's own instructions and those of what it calls. */
  #through({ instructions, calls }: MachineBlock): number {
    return calls.reduce((sum, call) => sum + this.#call(call).all, instructions);
  }

  #call({ symbol }: MachineCall): Least {
    return symbol === undefined ? free : this.#ofFunction(symbol);
  }

  #leaving(exit: Exit): Least {
    return exit.kind === "function" ? this.#ofFunction(exit.symbol) : free;
  }
}

/** Lowers values round by round until none gets lower. */
function settle<Key>(keys: readonly Key[], values: Map<Key, number>, next: (key: Key) => number): void {
  for (let changed = true; changed;) {
    changed = false;
    for (const key of keys) {
      const value = next(key);
      if (value >= (values.get(key) ?? Infinity)) continue;
      values.set(key, value);
      changed = true;
    }
  }
}
