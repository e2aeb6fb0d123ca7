/** Ways through machine code: how long they are, and what they are made of. */

/** A way from one place to another, the longest that there is. */
export type Way =
  /** There is none. */
  | { readonly kind: "never" }
  | { readonly kind: "bounded"; readonly instructions: number; readonly trail: Trail }
  /** `path`: the chain of calls to what has no bound. */
  | { readonly kind: "unbounded"; readonly path: readonly string[]; readonly reason: string };

/** What a bounded way is made of, in its order. */
export type Trail =
  | { readonly kind: "own"; readonly instructions: number }
  | { readonly kind: "both"; readonly first: Trail; readonly second: Trail }
  | { readonly kind: "call"; readonly callee: Frame }
  | {
      readonly kind: "turns";
      readonly turns: number;
      readonly each: number;
      readonly header: string;
      readonly turn: Trail;
    };

/** A function's way, shared by all that call it. */
export interface Frame {
  readonly symbol: string;
  readonly instructions: number;
  readonly trail: Trail;
}

/** What a function adds to a way by its own instructions. */
export interface PathFunction {
  readonly symbol: string;
  /** How often the way comes to it. */
  readonly calls: number;
  /** All its turns together, without what it calls. */
  readonly instructions: number;
}

/** A loop on a way. */
export interface PathLoop {
  readonly symbol: string;
  /** The block of LLVM's IR that it begins with. */
  readonly header: string;
  /** How often it turns at most, each time that it is come to. */
  readonly turns: number;
  /** All its turns together, with what they call. */
  readonly instructions: number;
  /** What a turn calls. */
  readonly calls: readonly string[];
}

/** A bounded way taken apart. */
export interface Contributions {
  /** The functions in the order in which the way first comes to them. */
  readonly path: readonly string[];
  /** The largest first. */
  readonly functions: readonly PathFunction[];
  /** The largest first. */
  readonly loops: readonly PathLoop[];
}

/** A way that takes no instruction. */
export const nowhere: Way = straight(0);

const never: Way = { kind: "never" };

/** A way of so many instructions without a call or a loop. */
export function straight(instructions: number): Way {
  return { kind: "bounded", instructions, trail: { kind: "own", instructions } };
}

/** One way after another. */
export function then(first: Way, second: Way): Way {
  if (first.kind === "never" || second.kind === "never") return never;
  if (first.kind === "unbounded") return first;
  if (second.kind === "unbounded") return second;
  if (second.instructions === 0) return first;
  if (first.instructions === 0) return second;
  const trail: Trail = { kind: "both", first: first.trail, second: second.trail };
  return { kind: "bounded", instructions: first.instructions + second.instructions, trail };
}

/** The longer of two ways. */
export function longer(a: Way, b: Way): Way {
  if (a.kind === "unbounded") return a;
  if (b.kind === "unbounded") return b;
  if (a.kind === "never") return b;
  if (b.kind === "never") return a;
  return b.instructions > a.instructions ? b : a;
}

/** A way that is taken `turns` times; `header` is the block that it begins with. */
export function repeated(turn: Way, turns: number, header: string): Way {
  if (turn.kind !== "bounded" || turns === 1) return turn;
  const each = turn.instructions;
  const trail: Trail = { kind: "turns", turns, each, header, turn: turn.trail };
  return { kind: "bounded", instructions: each * turns, trail };
}

/** The way through a call of `symbol`, whose own way is `way`. */
export function called(symbol: string, way: Way): Way {
  if (way.kind === "never") return way;
  if (way.kind === "unbounded") return { ...way, path: [symbol, ...way.path] };
  const { instructions, trail } = way;
  return { kind: "bounded", instructions, trail: { kind: "call", callee: { symbol, instructions, trail } } };
}

interface Visit {
  own(instructions: number, times: number): void;
  call(callee: Frame, times: number): void;
  loop(loop: Trail & { kind: "turns" }, times: number): void;
}

/** Walks what a function's way is made of, with how often each part is taken; what is called is not entered. */
function walk(trail: Trail, visit: Partial<Visit>): void {
  const todo: { readonly at: Trail; readonly times: number }[] = [{ at: trail, times: 1 }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { at, times } = next;
    if (at.kind === "own") visit.own?.(at.instructions, times);
    else if (at.kind === "call") visit.call?.(at.callee, times);
    else if (at.kind === "both") todo.push({ at: at.second, times }, { at: at.first, times });
    else {
      visit.loop?.(at, times);
      todo.push({ at: at.turn, times: times * at.turns });
    }
  }
}

/** Takes a way apart; `symbol` is the function that it begins in. */
export function contributions(
  symbol: string,
  { instructions, trail }: Way & { kind: "bounded" },
): Contributions {
  const root: Frame = { symbol, instructions, trail };
  const path = new Set<string>();
  const order: Frame[] = [];
  const seen = new Set<Frame>();
  const enter = (frame: Frame): void => {
    if (seen.has(frame)) return;
    seen.add(frame);
    path.add(frame.symbol);
    walk(frame.trail, { call: enter });
    order.push(frame);
  };
  enter(root);
  const times = new Map<Frame, number>([[root, 1]]);
  const functions = new Map<string, PathFunction>();
  const loops = new Map<Trail, PathLoop>();
  // Callers before what they call: how often a function is come to is known when its turn comes.
  for (const frame of order.reverse()) {
    const calls = times.get(frame)!;
    let own = 0;
    walk(frame.trail, {
      own: (count, n) => (own += count * n),
      call: (callee, n) => times.set(callee, (times.get(callee) ?? 0) + n * calls),
      loop: (loop, n) => loops.set(loop, pathLoop(frame.symbol, loop, n * calls, loops.get(loop))),
    });
    const before = functions.get(frame.symbol);
    functions.set(frame.symbol, {
      symbol: frame.symbol,
      calls: calls + (before?.calls ?? 0),
      instructions: own * calls + (before?.instructions ?? 0),
    });
  }
  const largestFirst = (a: { instructions: number }, b: { instructions: number }): number =>
    b.instructions - a.instructions;
  return {
    path: [...path],
    functions: [...functions.values()].sort(largestFirst),
    loops: [...loops.values()].sort(largestFirst),
  };
}

function pathLoop(
  symbol: string,
  { turn, turns, each, header }: Trail & { kind: "turns" },
  times: number,
  before: PathLoop | undefined,
): PathLoop {
  const calls = new Set<string>();
  walk(turn, { call: (callee) => calls.add(callee.symbol) });
  const instructions = turns * each * times + (before?.instructions ?? 0);
  return { symbol, header, turns, instructions, calls: [...calls] };
}
