import type { IrFunction, IrModule, Value } from "./ir.ts";
import { operandsOf, terminatorOperandsOf } from "./traverse.ts";

/**
 * Marks as cold what the exit path does not reach: every function that neither is one of `hot` nor is called or named, directly
 * or through others, by one of them. A function that is cold already hides what only it reaches; one that must be
 * inlined stays as it is.
 */
export function markCold(module: IrModule, hot: readonly string[]): IrModule {
  const functions = new Map(module.functions.map((fn) => [fn.symbol, fn]));
  const naked = new Map(module.naked.map((fn) => [fn.symbol, fn]));
  const reached = new Set<string>();
  const todo = [...hot];
  for (let symbol = todo.pop(); symbol !== undefined; symbol = todo.pop()) {
    if (reached.has(symbol)) continue;
    reached.add(symbol);
    const fn = functions.get(symbol);
    if (fn !== undefined && !fn.cold) todo.push(...symbolsOf(fn));
    todo.push(...(naked.get(symbol)?.uses ?? []));
  }
  const isWarm = (fn: IrFunction): boolean => fn.cold || fn.inline === "always" || reached.has(fn.symbol);
  return { ...module, functions: module.functions.map((fn) => (isWarm(fn) ? fn : { ...fn, cold: true })) };
}

/** The symbols that a function calls or takes the address of. */
function symbolsOf(fn: IrFunction): Set<string> {
  const found = new Set<string>();
  const add = (value: Value): void => {
    if (value.kind === "symbol") found.add(value.symbol);
  };
  for (const { instrs, end } of fn.blocks) {
    for (const instr of instrs) {
      if (instr.op === "call") found.add(instr.callee);
      operandsOf(instr).forEach(add);
    }
    if (end !== undefined) terminatorOperandsOf(end).forEach(add);
  }
  return found;
}
