import type { MachineBlock, MachineFunction } from "./machine-code.ts";

/**
 * The functions that can return: from their entry a return can be reached without a call of a function that cannot.
 * The others are the handlers of traps and what halts.
 */
export function returningFunctions(functions: ReadonlyMap<string, MachineFunction>): Set<string> {
  const returning = new Set<string>();
  const passes = (symbol: string | undefined): boolean =>
    symbol === undefined || !functions.has(symbol) || returning.has(symbol);
  for (let changed = true; changed;) {
    changed = false;
    for (const fn of functions.values()) {
      if (returning.has(fn.symbol) || !reachesReturn(fn, passes)) continue;
      returning.add(fn.symbol);
      changed = true;
    }
  }
  return returning;
}

function reachesReturn(fn: MachineFunction, passes: (symbol: string | undefined) => boolean): boolean {
  const blocks = new Map(fn.blocks.map((block) => [block.label, block]));
  const seen = new Set<MachineBlock>();
  const todo = fn.blocks.slice(0, 1);
  for (let block = todo.pop(); block !== undefined; block = todo.pop()) {
    if (seen.has(block) || !block.calls.every(({ symbol }) => passes(symbol))) continue;
    seen.add(block);
    for (const exit of block.exits) {
      if (exit.kind === "return" || exit.kind === "unknown") return true;
      if (exit.kind === "function" && passes(exit.symbol)) return true;
      const next = exit.kind === "block" ? blocks.get(exit.label) : undefined;
      if (next !== undefined) todo.push(next);
    }
  }
  return false;
}
