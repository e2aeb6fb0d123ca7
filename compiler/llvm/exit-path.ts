/**
 * The longest way through optimised machine code from a function's entry to its return, in instructions, calls
 * included: the bound on what one exit can cost.
 *
 * Ways that never return (traps, halts) do not count. A loop counts as often as LLVM can prove that it runs; a loop
 * that it cannot bound, a repeated string instruction, recursion and calls through pointers make the answer "unbounded",
 * with the reason. Both sides of every branch count as possible, so the answer is an upper bound.
 */
import {
  loopKey,
  type LoopBounds,
  type MachineBlock,
  type MachineCall,
  type MachineFunction,
} from "./machine-code.ts";
import { returningFunctions } from "./returning.ts";
import { blockOperationCost } from "./runtime.ts";

/** The longest way through a function. */
export interface ExitPath {
  readonly instructions: number | "unbounded";
  /** Functions on the way in the order of their calls; for "unbounded", the chain of calls to the reason. */
  readonly path: readonly string[];
  /** Why there is no bound. */
  readonly reason: string | undefined;
}

/** Machine code and what is known of its loops. */
export interface MachineCode {
  readonly functions: ReadonlyMap<string, MachineFunction>;
  readonly loops: LoopBounds;
}

/** Measures the longest way from a function's entry to its return. Throws a RangeError if there is no such function. */
export function exitPath(code: MachineCode, symbol: string): ExitPath {
  if (!code.functions.has(symbol)) throw new RangeError(`the machine code has no function ${symbol}`);
  const way = new Analysis(code).functionWay(symbol);
  if (way.kind === "bounded") return { instructions: way.instructions, path: way.path, reason: undefined };
  if (way.kind === "never") return { instructions: 0, path: [symbol], reason: `${symbol} never returns` };
  return { instructions: "unbounded", path: way.path, reason: way.reason };
}

type Way =
  | { readonly kind: "never" }
  | { readonly kind: "bounded"; readonly instructions: number; readonly path: readonly string[] }
  | { readonly kind: "unbounded"; readonly path: readonly string[]; readonly reason: string };

/** A block with its calls' costs counted in. */
interface Node {
  readonly irName: string | undefined;
  readonly way: Way;
  readonly next: readonly string[];
  readonly returns: boolean;
}

const nowhere: Way = { kind: "bounded", instructions: 0, path: [] };

function then(first: Way, second: Way): Way {
  if (first.kind !== "bounded") return first;
  if (second.kind !== "bounded") return second;
  return {
    kind: "bounded",
    instructions: first.instructions + second.instructions,
    path: second.path.length === 0 ? first.path : [...first.path, ...second.path],
  };
}

function longer(a: Way, b: Way): Way {
  if (a.kind === "unbounded") return a;
  if (b.kind === "unbounded") return b;
  if (a.kind === "never") return b;
  if (b.kind === "never") return a;
  return b.instructions > a.instructions ? b : a;
}

class Analysis {
  readonly #ways = new Map<string, Way>();
  readonly #open = new Set<string>();
  readonly #returning: ReadonlySet<string>;

  constructor(private readonly code: MachineCode) {
    this.#returning = returningFunctions(code.functions);
  }

  functionWay(symbol: string): Way {
    const known = this.#ways.get(symbol);
    if (known !== undefined) return known;
    const fn = this.code.functions.get(symbol);
    if (fn === undefined)
      return { kind: "unbounded", path: [symbol], reason: `${symbol} is not in the machine code` };
    if (!this.#returning.has(symbol)) return { kind: "never" };
    if (this.#open.has(symbol))
      return { kind: "unbounded", path: [symbol], reason: `${symbol} calls itself` };
    this.#open.add(symbol);
    const way = this.#measure(fn);
    this.#open.delete(symbol);
    const named: Way = way.kind === "never" ? way : { ...way, path: [symbol, ...way.path] };
    this.#ways.set(symbol, named);
    return named;
  }

  #measure(fn: MachineFunction): Way {
    const nodes = new Map<string, Node>();
    for (const block of fn.blocks) nodes.set(block.label, this.#node(block));
    const live = returning(nodes);
    const entry = fn.blocks[0]!.label;
    if (!live.has(entry)) return { kind: "never" };
    const reached = new Set<string>();
    const todo = [entry];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (reached.has(at) || !live.has(at)) continue;
      reached.add(at);
      todo.push(...nodes.get(at)!.next);
    }
    return this.#longest(fn.symbol, nodes, reached, entry, undefined);
  }

  #callWay({ symbol, third }: MachineCall): Way {
    if (symbol === undefined) return throughPointer;
    const instructions = third === undefined ? undefined : blockOperationCost(symbol, third);
    if (instructions !== undefined) return { kind: "bounded", instructions, path: [symbol] };
    return this.functionWay(symbol);
  }

  #node(block: MachineBlock): Node {
    let way: Way = { kind: "bounded", instructions: block.instructions, path: [] };
    if (block.repeats !== undefined)
      way = { kind: "unbounded", path: [], reason: `"${block.repeats}" repeats` };
    const callees = block.calls.map((call) => this.#callWay(call));
    if (callees.some(({ kind }) => kind === "never")) {
      return { irName: block.irName, way: { kind: "never" }, next: [], returns: false };
    }
    for (const callee of callees) way = then(way, callee);
    const next: string[] = [];
    let returns = false;
    let last: Way = { kind: "never" };
    for (const exit of block.exits) {
      if (exit.kind === "block") next.push(exit.label);
      else if (exit.kind === "return") {
        returns = true;
        last = longer(last, nowhere);
      } else {
        const jumped: Way =
          exit.kind === "function"
            ? this.functionWay(exit.symbol)
            : { kind: "unbounded", path: [], reason: exit.why };
        if (jumped.kind !== "never") returns = true;
        last = longer(last, jumped);
      }
    }
    // A jump to another function counts for the whole block: the fall-through side is never longer for it.
    return { irName: block.irName, way: last.kind === "never" ? way : then(way, last), next, returns };
  }

  /**
   * The longest way from `entry` within `within`, leaving out edges back to `header`. A loop is a strongly connected
   * component: its longest single turn, times its bound.
   */
  #longest(
    symbol: string,
    nodes: ReadonlyMap<string, Node>,
    within: ReadonlySet<string>,
    entry: string,
    header: string | undefined,
  ): Way {
    const nextOf = (label: string): string[] =>
      nodes.get(label)!.next.filter((to) => within.has(to) && to !== header);
    const best = new Map<string, Way>();
    for (const component of components(entry, nextOf)) {
      const [first] = component as [string];
      const loops = component.length > 1 || nextOf(first).includes(first);
      const members = new Set(component);
      const own = loops ? this.#loop(symbol, nodes, members, within, entry, nextOf) : nodes.get(first)!.way;
      let rest: Way = nowhere;
      for (const label of component) {
        for (const to of nextOf(label)) if (!members.has(to)) rest = longer(rest, best.get(to)!);
      }
      for (const label of component) best.set(label, then(own, rest));
    }
    return best.get(entry)!;
  }

  #loop(
    symbol: string,
    nodes: ReadonlyMap<string, Node>,
    members: ReadonlySet<string>,
    within: ReadonlySet<string>,
    entry: string,
    nextOf: (label: string) => string[],
  ): Way {
    const entries = [...members].filter(
      (label) =>
        label === entry || [...within].some((from) => !members.has(from) && nextOf(from).includes(label)),
    );
    const [head] = entries as [string];
    const name = nodes.get(head)!.irName;
    if (entries.length > 1)
      return { kind: "unbounded", path: [], reason: `a loop of ${symbol} has two entries` };
    const bound = name === undefined ? undefined : this.code.loops.get(loopKey(symbol, name));
    const turn = this.#longest(symbol, nodes, members, head, head);
    if (turn.kind !== "bounded") return turn;
    if (bound === undefined) {
      return { kind: "unbounded", path: [], reason: `the loop at ${name ?? head} of ${symbol} has no bound` };
    }
    return { kind: "bounded", instructions: turn.instructions * bound, path: turn.path };
  }
}

const throughPointer: Way = { kind: "unbounded", path: [], reason: "a call through a pointer" };

/** The blocks from which a return can be reached. */
function returning(nodes: ReadonlyMap<string, Node>): Set<string> {
  const before = new Map<string, string[]>();
  for (const [label, { next }] of nodes) {
    for (const to of next) before.set(to, [...(before.get(to) ?? []), label]);
  }
  const live = new Set<string>();
  const todo = [...nodes].filter(([, { returns }]) => returns).map(([label]) => label);
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    if (live.has(at)) continue;
    live.add(at);
    todo.push(...(before.get(at) ?? []));
  }
  return live;
}

/** Strongly connected components that `entry` reaches, successors first (Tarjan). */
function components(entry: string, nextOf: (label: string) => string[]): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const calls: { label: string; next: string[]; at: number }[] = [];
  const open = (label: string): void => {
    index.set(label, index.size);
    low.set(label, index.get(label)!);
    stack.push(label);
    onStack.add(label);
    calls.push({ label, next: nextOf(label), at: 0 });
  };
  open(entry);
  while (calls.length > 0) {
    const call = calls[calls.length - 1]!;
    const to = call.next[call.at++];
    if (to !== undefined) {
      if (!index.has(to)) open(to);
      else if (onStack.has(to)) low.set(call.label, Math.min(low.get(call.label)!, index.get(to)!));
      continue;
    }
    calls.pop();
    const caller = calls[calls.length - 1];
    if (caller !== undefined) low.set(caller.label, Math.min(low.get(caller.label)!, low.get(call.label)!));
    if (low.get(call.label) !== index.get(call.label)) continue;
    const component = stack.splice(stack.indexOf(call.label));
    for (const label of component) onStack.delete(label);
    found.push(component);
  }
  return found;
}
