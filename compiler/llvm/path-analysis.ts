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
import { returningFunctions } from "./returning.ts";
import { blockOperationCost } from "./runtime.ts";
import { called, longer, nowhere, repeated, straight, then, type Way } from "./way.ts";

/** The longest of all ways between two places, and the longest of those that come by a landmark. */
export interface Ways {
  readonly all: Way;
  readonly by: Way;
}

const none: Way = { kind: "never" };
const nothing: Ways = { all: none, by: none };
const free: Ways = { all: nowhere, by: none };
const unbounded = (reason: string): Way => ({ kind: "unbounded", path: [], reason });

function after(first: Ways, second: Ways): Ways {
  return {
    all: then(first.all, second.all),
    by: longer(then(first.by, second.all), then(first.all, second.by)),
  };
}

const either = (a: Ways, b: Ways): Ways => ({ all: longer(a.all, b.all), by: longer(a.by, b.by) });

/** A block with its calls' costs counted in. */
interface Node {
  readonly irName: string | undefined;
  readonly ways: Ways;
  readonly next: readonly string[];
  readonly returns: boolean;
}

type Graph = ReadonlyMap<string, Node>;

/** Longest ways in one program; what was found is kept. */
export class PathAnalysis {
  readonly #known = new Map<string, Ways>();
  readonly #open = new Set<string>();
  readonly #returning: ReadonlySet<string>;
  readonly #leading = new Map<string, ReadonlySet<string>>();

  constructor(
    private readonly functions: ReadonlyMap<string, MachineFunction>,
    private readonly loops: LoopBounds,
  ) {
    this.#returning = returningFunctions(functions);
  }

  /** From a function's entry to its return; without the landmark `through`, no way comes by it. */
  functionWays(symbol: string, through: string | undefined): Ways {
    const fn = this.functions.get(symbol);
    if (fn === undefined) return { all: unbounded(`${symbol} is not in the machine code`), by: none };
    if (!this.#returning.has(symbol)) return nothing;
    if (through !== undefined && !this.#leadingTo(through).has(symbol))
      return { all: this.functionWays(symbol, undefined).all, by: none };
    const key = `${symbol}\n${through ?? ""}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#open.has(symbol)) return { all: unbounded(`${symbol} calls itself`), by: none };
    this.#open.add(symbol);
    const nodes = new Map(fn.blocks.map((block) => [block.label, this.#node(block, through)]));
    const ways = this.#measure(symbol, nodes, fn.blocks[0]!.label);
    this.#open.delete(symbol);
    this.#known.set(key, ways);
    return ways;
  }

  /** From the start of a block to the function's return, or to one of the landmarks `to`. */
  stretchWays(
    fn: MachineFunction,
    from: MachineBlock,
    to: readonly string[],
    through: string | undefined,
  ): Ways {
    const start = "start of the stretch";
    const nodes = new Map([[start, this.#node(from, through)]]);
    const todo = [...nodes.get(start)!.next];
    const blocks = new Map(fn.blocks.map((block) => [block.label, block]));
    for (let label = todo.pop(); label !== undefined; label = todo.pop()) {
      const block = blocks.get(label);
      if (block === undefined || nodes.has(label)) continue;
      const ends = block.landmark !== undefined && to.includes(block.landmark);
      const node: Node = ends
        ? { irName: block.irName, ways: free, next: [], returns: true }
        : this.#node(block, through);
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

  #callWays({ symbol, third }: MachineCall, through: string | undefined): Ways {
    if (symbol === undefined) return { all: unbounded("a call through a pointer"), by: none };
    const known = third === undefined ? undefined : blockOperationCost(symbol, third);
    const { all, by } =
      known === undefined ? this.functionWays(symbol, through) : { all: straight(known), by: none };
    return { all: called(symbol, all), by: called(symbol, by) };
  }

  #node(block: MachineBlock, through: string | undefined): Node {
    const { irName, repeats, landmark } = block;
    const own = repeats === undefined ? straight(block.instructions) : unbounded(`"${repeats}" repeats`);
    let ways: Ways = { all: own, by: landmark !== undefined && landmark === through ? own : none };
    for (const call of block.calls) ways = after(ways, this.#callWays(call, through));
    if (ways.all.kind === "never") return { irName, ways, next: [], returns: false };
    const next = block.exits.flatMap((exit) => (exit.kind === "block" ? [exit.label] : []));
    let last = nothing;
    for (const exit of block.exits) last = either(last, this.#leaving(exit, through));
    const returns = last.all.kind !== "never";
    // A jump to another function counts for the whole block: the fall-through side is never longer for it.
    return { irName, ways: returns ? after(ways, last) : ways, next, returns };
  }

  /** What follows a block where it leaves the function. */
  #leaving(exit: Exit, through: string | undefined): Ways {
    if (exit.kind === "return") return free;
    if (exit.kind === "function") return this.#callWays({ symbol: exit.symbol, third: undefined }, through);
    return exit.kind === "unknown" ? { all: unbounded(exit.why), by: none } : nothing;
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
        for (const to of nextOf(label)) if (!members.has(to)) rest = either(rest, best.get(to)!);
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
    if (heads.size > 1 || bound === undefined) {
      const endless = turn.all.kind === "unbounded" ? turn.all : unbounded(reason);
      return { all: endless, by: turn.by.kind === "never" ? none : endless };
    }
    const before = bound === 1 ? nowhere : repeated(turn.all, bound - 1, name!);
    return { all: repeated(turn.all, bound, name!), by: then(before, turn.by) };
  }

  /** The functions that contain the landmark, or call one that does. */
  #leadingTo(landmark: string): ReadonlySet<string> {
    const known = this.#leading.get(landmark);
    if (known !== undefined) return known;
    const leading = new Set<string>();
    for (const fn of this.functions.values())
      if (fn.blocks.some((block) => block.landmark === landmark)) leading.add(fn.symbol);
    for (let size = -1; size !== leading.size;) {
      size = leading.size;
      for (const fn of this.functions.values()) {
        if (leading.has(fn.symbol)) continue;
        const calls = fn.blocks.some(
          (block) =>
            block.calls.some((call) => call.symbol !== undefined && leading.has(call.symbol)) ||
            block.exits.some((exit) => exit.kind === "function" && leading.has(exit.symbol)),
        );
        if (calls) leading.add(fn.symbol);
      }
    }
    this.#leading.set(landmark, leading);
    return leading;
  }
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
