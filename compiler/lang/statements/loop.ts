/**
 * Loops. The intervals at the head are found first: the body is walked without output, what grew from one round to
 * the next is widened to the next constant that a condition compared with, and when nothing grows any more the loop
 * is emitted with what was found.
 */
import { ts } from "ts-morph";
import { FunctionBuilder } from "../../ir/builder.ts";
import { lowerCondition } from "../condition.ts";
import { joinEnvs } from "../env.ts";
import type { Env, FunctionLowering, Variable } from "../function.ts";
import { requireBound } from "../loop-bound.ts";
import { isRefusal } from "../refusal.ts";
import { contains, equal, join, meet, type Interval } from "../interval.ts";
import { shapeOf } from "../shape.ts";
import { lowerEffect } from "./expression.ts";
import { lowerDeclarations } from "./variable.ts";

interface Loop {
  readonly node: ts.IterationStatement;
  readonly condition: ts.Expression | undefined;
  readonly update: ts.Expression | undefined;
  readonly conditionFirst: boolean;
  readonly label: string | undefined;
}

export function lowerWhile(f: FunctionLowering, node: ts.WhileStatement, label?: string): void {
  lowerLoop(f, { node, condition: node.expression, update: undefined, conditionFirst: true, label });
}
export function lowerDo(f: FunctionLowering, node: ts.DoStatement, label?: string): void {
  lowerLoop(f, { node, condition: node.expression, update: undefined, conditionFirst: false, label });
}
export function lowerFor(f: FunctionLowering, node: ts.ForStatement, label?: string): void {
  if (node.initializer !== undefined) {
    if (ts.isVariableDeclarationList(node.initializer)) lowerDeclarations(f, node.initializer);
    else lowerEffect(f, node.initializer);
  }
  lowerLoop(f, { node, condition: node.condition, update: node.incrementor, conditionFirst: true, label });
}

/** Walks the loop once from `head`; returns what is known when it goes round and when it is left. */
function walk(f: FunctionLowering, loop: Loop, head: Env): { back: Env; after: Env } {
  const top = f.b.block("loop");
  const body = f.b.block("body");
  const next = f.b.block("next");
  const exit = f.b.block("exit");
  const breakEnvs: Env[] = [];
  const continueEnvs: Env[] = [];
  f.b.jump(top);
  f.resume(top, head);
  let left: Env = undefined;
  if (loop.conditionFirst) left = test(f, loop, body, exit);
  else {
    f.b.jump(body);
    f.resume(body, f.env);
  }
  if (f.env !== undefined) {
    f.targets.push({ label: loop.label, breakTo: exit, breakEnvs, continueTo: next, continueEnvs });
    f.statement(loop.node.statement);
    f.targets.pop();
    if (f.env !== undefined) {
      continueEnvs.push(f.env);
      f.b.jump(next);
    }
  }
  let back = continueEnvs.reduce(joinEnvs, undefined);
  if (back !== undefined) {
    f.resume(next, back);
    if (loop.update !== undefined) lowerEffect(f, loop.update);
    if (!loop.conditionFirst) {
      const again = f.b.block("again");
      left = test(f, loop, again, exit);
    }
    back = f.env;
    if (back !== undefined) f.b.jump(top);
  }
  const after = breakEnvs.reduce(joinEnvs, left);
  f.resume(exit, after);
  return { back, after };
}

/** Tests the condition, goes on where it holds, and returns what is known where it does not. */
function test(
  f: FunctionLowering,
  loop: Loop,
  holds: ReturnType<FunctionBuilder["block"]>,
  exit: ReturnType<FunctionBuilder["block"]>,
): Env {
  if (loop.condition === undefined) {
    f.b.jump(holds);
    f.resume(holds, f.env);
    return undefined;
  }
  const sides = lowerCondition(f, loop.condition, holds, exit);
  f.resume(holds, sides.whenTrue);
  return sides.whenFalse;
}

/** Walks without output; `"refused"` where a condition or a step was. */
function rehearse(f: FunctionLowering, loop: Loop, head: Env): Env | "refused" {
  const { b, variables } = { b: f.b, variables: new Map(f.variables) };
  const returns = f.returns.length;
  const targets = f.targets.length;
  f.b = new FunctionBuilder();
  f.dry++;
  try {
    return walk(f, loop, head).back;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return "refused";
  } finally {
    f.dry--;
    f.b = b;
    f.returns.length = returns;
    f.targets.length = targets;
    f.variables.clear();
    for (const [symbol, variable] of variables) f.variables.set(symbol, variable);
  }
}

/** The range that a variable may at most have. */
function limit(variable: Variable): Interval {
  const { content } = variable;
  const shape =
    content.kind === "slots"
      ? content.shape
      : content.kind === "fixed"
        ? shapeOf(content.operand)
        : undefined;
  return shape?.kind === "int" ? shape.range : { lo: 0n, hi: 1n };
}

/** Where widening may stop in any loop: what masks and conversions leave. */
const ends = [8n, 16n, 31n, 32n, 63n, 64n].flatMap((bits) => [(1n << bits) - 1n, -(1n << bits)]);
const everywhere: readonly bigint[] = [0n, ...ends, -(1n << 7n), -(1n << 15n)];

/** Which ends of a local's range have moved before: an end that moves once often stays where it came to. */
interface Moved {
  lo: boolean;
  hi: boolean;
}

/** Grows a range that did not come to rest: an end that moves again goes to the next constant, or to the type's end. */
function widen(
  old: Interval,
  grown: Interval,
  moved: Moved,
  thresholds: readonly bigint[],
  most: Interval,
): Interval {
  let { lo, hi } = grown;
  if (hi > old.hi) {
    if (moved.hi) hi = thresholds.find((t) => t >= grown.hi) ?? most.hi;
    moved.hi = true;
  }
  if (lo < old.lo) {
    if (moved.lo) lo = thresholds.findLast((t) => t <= grown.lo) ?? most.lo;
    moved.lo = true;
  }
  return meet({ lo, hi }, most) ?? most;
}

/** Rounds in which constants are gathered; and after which everything that still grows goes to its limit. */
const thresholdRounds = 2;
const roundLimit = 40;

function lowerLoop(f: FunctionLowering, loop: Loop): void {
  const entry = f.env;
  if (entry === undefined) return;
  const outer = [...f.thresholds];
  f.thresholds.clear();
  let head: Env = entry;
  let thresholds: readonly bigint[] = everywhere;
  const moved = new Map<Variable, Moved>();
  for (let round = 0; ; round++) {
    const back: Env | "refused" = rehearse(f, loop, head);
    // Walked for real with the same knowledge, what was refused is refused again, and recorded.
    if (back === undefined || back === "refused") break;
    // Later rounds compare with what the loop itself made grow.
    if (round < thresholdRounds)
      thresholds = [...new Set([...f.thresholds, ...everywhere])].sort((a, b) =>
        a < b ? -1 : a > b ? 1 : 0,
      );
    const next: Map<Variable, Interval> = new Map(head);
    let stable = true;
    for (const [variable, old] of head!) {
      const returned = back.get(variable) ?? limit(variable);
      if (contains(old, returned)) continue;
      const grown = join(old, returned);
      const ends = moved.get(variable) ?? { lo: false, hi: false };
      moved.set(variable, ends);
      next.set(
        variable,
        round >= roundLimit ? limit(variable) : widen(old, grown, ends, thresholds, limit(variable)),
      );
      stable = false;
    }
    if (stable) {
      // One round back: what widening overshot is taken in again where the body does not need it.
      const tightened = new Map(head);
      for (const variable of head!.keys()) {
        tightened.set(variable, join(entry.get(variable)!, back.get(variable) ?? limit(variable)));
      }
      const changed = [...tightened].some(([variable, range]) => !equal(range, head!.get(variable)!));
      if (!changed) break;
      const again: Env | "refused" = rehearse(f, loop, tightened);
      if (
        again !== undefined &&
        again !== "refused" &&
        [...tightened].every(([variable, range]) => contains(range, again.get(variable) ?? limit(variable)))
      )
        head = tightened;
      break;
    }
    head = next;
  }
  f.thresholds.clear();
  for (const value of [...outer, ...thresholds]) f.thresholds.add(value);
  if (f.strict) requireBound(f, loop.node, head);
  walk(f, loop, head);
}
