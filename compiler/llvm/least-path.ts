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

/** The shorter of two ways, also by landmark. */
export function lesser(a: Least, b: Least): Least {
  const by = new Map(a.by);
  for (const [landmark, least] of b.by) by.set(landmark, Math.min(least, by.get(landmark) ?? Infinity));
  return { all: Math.min(a.all, b.all), by };
}

/** Finds shortest ways in one program. */
export class LeastPaths {
  readonly #known = new Map<string, Least>();

  constructor(private readonly functions: ReadonlyMap<string, MachineFunction>) {}

  /** From the start of a block to the function's return, or to one of the landmarks `to`. */
  ofStretch({ blocks }: MachineFunction, from: MachineBlock, to: readonly string[]): Least {
    const number = new Map(blocks.map(({ label }, i) => [label, i]));
    const isEnd = ({ landmark }: MachineBlock): boolean => landmark !== undefined && to.includes(landmark);
    const own = blocks.map((block) => this.#through(block));
    /** By block, what the way needs where it ends behind it. */
    const leaving = blocks.map(() => Infinity);
    const next = blocks.map(({ exits }, i) => {
      const within: number[] = [];
      for (const exit of exits) {
        const target = exit.kind === "block" ? number.get(exit.label) : undefined;
        if (target !== undefined && !isEnd(blocks[target]!)) within.push(target);
        else if (target !== undefined) leaving[i] = 0;
        else leaving[i] = Math.min(leaving[i]!, this.#leaving(exit).all);
      }
      return within;
    });

    /** By block, the least from its start to the end. */
    const rest = blocks.map(() => Infinity);
    const onward = (i: number): number =>
      next[i]!.reduce((least, to) => Math.min(least, rest[to]!), leaving[i]!);
    for (let changed = true; changed;) {
      changed = false;
      for (let i = blocks.length - 1; i >= 0; i--) {
        const least = own[i]! + onward(i);
        if (least >= rest[i]!) continue;
        rest[i] = least;
        changed = true;
      }
    }

    /** By block, the least from the beginning to its start. */
    const before = blocks.map((block) => (block === from ? 0 : Infinity));
    for (let changed = true; changed;) {
      changed = false;
      for (let i = 0; i < blocks.length; i++) {
        const reached = before[i]! + own[i]!;
        for (const to of next[i]!) {
          if (reached >= before[to]!) continue;
          before[to] = reached;
          changed = true;
        }
      }
    }

    const by = new Map<string, number>();
    const shorten = (landmark: string, least: number): void => {
      if (least < (by.get(landmark) ?? Infinity)) by.set(landmark, least);
    };
    blocks.forEach((block, i) => {
      const until = before[i]! + own[i]!;
      const whole = until + onward(i);
      if (block.landmark !== undefined) shorten(block.landmark, whole);
      for (const call of block.calls) {
        const callee = this.#call(call);
        for (const [landmark, least] of callee.by) shorten(landmark, whole - callee.all + least);
      }
      for (const exit of block.exits)
        for (const [landmark, least] of this.#leaving(exit).by) shorten(landmark, until + least);
    });
    return { all: rest[blocks.indexOf(from)]!, by };
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

  /** What follows a block where it leaves the function; none where it does not. */
  #leaving(exit: Exit): Least {
    if (exit.kind === "block") return none;
    return exit.kind === "function" ? this.#ofFunction(exit.symbol) : free;
  }
}
