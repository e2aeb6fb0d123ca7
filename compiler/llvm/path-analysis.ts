/** The search for the longest ways: over the blocks of a function, its loops, and what it calls. */
import { components } from "./components.ts";
import {
  loopKey,
  type Exit,
  type LoopBounds,
  type MachineBlock,
  type MachineCall,
  type MachineFunction,
} from "./machine-code.ts";
import { waitPrefix } from "../../dsl/core/landmark.ts";
import { returningFunctions } from "./returning.ts";
import { blockOperationCost } from "./runtime.ts";
import { called, longer, nowhere, repeated, straight, then, type Way } from "./way.ts";

/** The longest of all ways between two places, and by landmark the longest of those that come by it. */
export interface Ways {
  readonly all: Way;
  readonly by: ReadonlyMap<string, Way>;
}

const nowhereBy: ReadonlyMap<string, Way> = new Map();
const only = (all: Way): Ways => ({ all, by: nowhereBy });
const nothing = only({ kind: "never" });
const free = only(nowhere);
const unbounded = (reason: string): Ways => only({ kind: "unbounded", path: [], reason });

/** The block in which LLVM tries again to change a word that another CPU has changed meanwhile. */
const atomicRetry = "atomicrmw.start";
/** What stands for such blocks among the landmarks. */
export const retryWait = `${waitPrefix}for a word that another CPU changes at the same time`;

/** Changes the way by each landmark. */
function mapped(by: Ways["by"], change: (way: Way) => Way): Ways["by"] {
  return by.size === 0 ? by : new Map([...by].map(([landmark, way]) => [landmark, change(way)]));
}

/** The longer of two ways, also by landmark. */
export function longerWays(a: Ways, b: Ways): Ways {
  return { all: longer(a.all, b.all), by: united(a.by, b.by) };
}

function united(a: Ways["by"], b: Ways["by"]): Ways["by"] {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const by = new Map(a);
  for (const [landmark, way] of b) {
    const other = by.get(landmark);
    by.set(landmark, other === undefined ? way : longer(other, way));
  }
  return by;
}

function after(first: Ways, second: Ways): Ways {
  const early = mapped(first.by, (way) => then(way, second.all));
  const late = mapped(second.by, (way) => then(first.all, way));
  return { all: then(first.all, second.all), by: united(early, late) };
}

/** A block with its calls' costs counted in. */
interface Node {
  readonly irName: string | undefined;
  readonly ways: Ways;
  readonly next: readonly string[];
  readonly returns: boolean;
  /** Whether a CPU that comes by waits for somebody else. */
  readonly waits: boolean;
}

type Graph = ReadonlyMap<string, Node>;

/** Longest ways in one program; what was found is kept. */
export class PathAnalysis {
  readonly #known = new Map<string, Ways>();
  readonly #open = new Set<string>();
  readonly #returning: ReadonlySet<string>;

  constructor(
    private readonly functions: ReadonlyMap<string, MachineFunction>,
    private readonly loops: LoopBounds,
  ) {
    this.#returning = returningFunctions(functions);
  }

  /** From a function's entry to its return. */
  functionWays(symbol: string): Ways {
    const known = this.#known.get(symbol);
    if (known !== undefined) return known;
    const fn = this.functions.get(symbol);
    if (fn === undefined) return unbounded(`${symbol} is not in the machine code`);
    if (!this.#returning.has(symbol)) return nothing;
    if (this.#open.has(symbol)) return unbounded(`${symbol} calls itself`);
    this.#open.add(symbol);
    const nodes = new Map(fn.blocks.map((block) => [block.label, this.#node(block)]));
    const ways = this.#measure(symbol, nodes, fn.blocks[0]!.label);
    this.#open.delete(symbol);
    this.#known.set(symbol, ways);
    return ways;
  }

  /** From the start of a block to the function's return, or to one of the landmarks `to`. */
  stretchWays(fn: MachineFunction, from: MachineBlock, to: readonly string[]): Ways {
    const start = "start of the stretch";
    const nodes = new Map([[start, this.#node(from)]]);
    const todo = [...nodes.get(start)!.next];
    const blocks = new Map(fn.blocks.map((block) => [block.label, block]));
    for (let label = todo.pop(); label !== undefined; label = todo.pop()) {
      const block = blocks.get(label);
      if (block === undefined || nodes.has(label)) continue;
      const ends = block.landmark !== undefined && to.includes(block.landmark);
      const node: Node = ends
        ? { irName: block.irName, ways: free, next: [], returns: true, waits: false }
        : this.#node(block);
      nodes.set(label, node);
      todo.push(...node.next);
    }
    return this.#measure(fn.symbol, nodes, start);
  }

  #measure(symbol: string, nodes: Graph, entry: string): Ways {
    const live = returning(nodes);
    if (!live.has(entry)) return nothing;
    const reached = new Set<string>();
    const todo = [entry];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (reached.has(at) || !live.has(at)) continue;
      reached.add(at);
      todo.push(...nodes.get(at)!.next);
    }
    return this.#longest(symbol, nodes, reached, entry, undefined);
  }

  #callWays({ symbol, third }: MachineCall): Ways {
    if (symbol === undefined) return unbounded("a call through a pointer");
    const known = third === undefined ? undefined : blockOperationCost(symbol, third);
    const { all, by } = known === undefined ? this.functionWays(symbol) : only(straight(known));
    return { all: called(symbol, all), by: mapped(by, (way) => called(symbol, way)) };
  }

  #node(block: MachineBlock): Node {
    const { irName, repeats } = block;
    const landmark = block.landmark ?? (irName?.startsWith(atomicRetry) === true ? retryWait : undefined);
    const own =
      repeats === undefined ? only(straight(block.instructions)) : unbounded(`"${repeats}" repeats`);
    let ways: Ways = landmark === undefined ? own : { ...own, by: new Map([[landmark, own.all]]) };
    for (const call of block.calls) ways = after(ways, this.#callWays(call));
    const waits = landmark?.startsWith(waitPrefix) === true;
    if (ways.all.kind === "never") return { irName, ways: nothing, next: [], returns: false, waits };
    const next = block.exits.flatMap((exit) => (exit.kind === "block" ? [exit.label] : []));
    let last = nothing;
    for (const exit of block.exits) last = longerWays(last, this.#leaving(exit));
    const returns = last.all.kind !== "never";
    // A jump to another function counts for the whole block: the fall-through side is never longer for it.
    return { irName, ways: returns ? after(ways, last) : ways, next, returns, waits };
  }

  /** What follows a block where it leaves the function. */
  #leaving(exit: Exit): Ways {
    if (exit.kind === "return") return free;
    if (exit.kind === "function") return this.#callWays({ symbol: exit.symbol, third: undefined });
    return exit.kind === "unknown" ? unbounded(exit.why) : nothing;
  }

  /**
   * The longest ways from `entry` within `within`, leaving out edges back to `header`. A loop is a strongly connected
   * component: its longest single turn, times its bound.
   */
  #longest(
    symbol: string,
    nodes: Graph,
    within: ReadonlySet<string>,
    entry: string,
    header: string | undefined,
  ): Ways {
    const successors = new Map<string, readonly string[]>();
    for (const label of within)
      successors.set(
        label,
        nodes.get(label)!.next.filter((to) => within.has(to) && to !== header),
      );
    const nextOf = (label: string): readonly string[] => successors.get(label)!;
    const best = new Map<string, Ways>();
    for (const component of components(entry, nextOf)) {
      const [first] = component as [string];
      const loops = component.length > 1 || nextOf(first).includes(first);
      const members = new Set(component);
      const own = loops ? this.#loop(symbol, nodes, members, entry, successors) : nodes.get(first)!.ways;
      let rest = free;
      for (const label of component) {
        for (const to of nextOf(label)) if (!members.has(to)) rest = longerWays(rest, best.get(to)!);
      }
      const whole = after(own, rest);
      for (const label of component) best.set(label, whole);
    }
    return best.get(entry)!;
  }

  #loop(
    symbol: string,
    nodes: Graph,
    members: ReadonlySet<string>,
    entry: string,
    successors: ReadonlyMap<string, readonly string[]>,
  ): Ways {
    const heads = new Set(members.has(entry) ? [entry] : []);
    for (const [from, next] of successors) {
      if (!members.has(from)) for (const to of next) if (members.has(to)) heads.add(to);
    }
    const [head] = [...heads] as [string];
    const name = nodes.get(head)!.irName;
    const bound = name === undefined ? undefined : this.loops.get(loopKey(symbol, name));
    const turn = this.#longest(symbol, nodes, members, head, head);
    if (turn.all.kind === "never") return turn;
    const reason =
      heads.size > 1
        ? `a loop of ${symbol} has two entries`
        : `the loop at ${name ?? head} of ${symbol} has no bound`;
    // How long somebody else takes is no matter of this code: a wait counts as one turn.
    if (heads.size === 1 && isWait(nodes, members, successors)) return turn;
    if (heads.size > 1 || bound === undefined) {
      const endless = turn.all.kind === "unbounded" ? only(turn.all) : unbounded(reason);
      return { all: endless.all, by: mapped(turn.by, () => endless.all) };
    }
    // Whichever turn comes by the landmark, the others may be the longest.
    const others = bound === 1 ? nowhere : repeated(turn.all, bound - 1, name!);
    return { all: repeated(turn.all, bound, name!), by: mapped(turn.by, (way) => then(others, way)) };
  }
}

/** Whether every turn of a loop comes by a wait: without those blocks nothing of it is a loop. */
function isWait(
  nodes: Graph,
  members: ReadonlySet<string>,
  successors: ReadonlyMap<string, readonly string[]>,
): boolean {
  const others = new Set([...members].filter((label) => !nodes.get(label)!.waits));
  for (let changed = true; changed;) {
    changed = false;
    for (const label of others) {
      if (successors.get(label)!.some((to) => others.has(to))) continue;
      others.delete(label);
      changed = true;
    }
  }
  return others.size === 0;
}

/** The blocks from which a return can be reached. */
function returning(nodes: Graph): Set<string> {
  const before = new Map<string, string[]>();
  for (const [label, { next }] of nodes) {
    for (const to of next) {
      const others = before.get(to);
      if (others === undefined) before.set(to, [label]);
      else others.push(label);
    }
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
