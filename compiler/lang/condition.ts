/**
 * Conditions: lowered as control flow, so that each side goes on with what the condition taught it. What intervals
 * or build-time values decide leaves no branch, and the side that cannot be reached is not looked at.
 */
import { ts } from "ts-morph";
import { unlikely, type Block, type Value, type Weights } from "../ir/ir.ts";
import type { Env, FunctionLowering, Variable } from "./function.ts";
import { joinEnvs } from "./env.ts";
import { join, point, show } from "./interval.ts";
import { nullPointer } from "./known.ts";
import { compare, decided, mirrored, opposite, refined } from "./numeric.ts";
import { describe, type Int, type Operand } from "./operand.ts";

/** What is known behind a condition on each side; undefined where the side is never taken. */
export interface Sides {
  readonly whenTrue: Env;
  readonly whenFalse: Env;
}

const comparisons = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.LessThanToken, "<"],
  [ts.SyntaxKind.LessThanEqualsToken, "<="],
  [ts.SyntaxKind.GreaterThanToken, ">"],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">="],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "==="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "!=="],
]);

export const isComparison = (kind: ts.SyntaxKind): boolean => comparisons.has(kind);

/** Lowers a condition into jumps to `onTrue` and `onFalse`. */
export function lowerCondition(
  f: FunctionLowering,
  node: ts.Expression,
  onTrue: Block,
  onFalse: Block,
): Sides {
  if (ts.isParenthesizedExpression(node)) return lowerCondition(f, node.expression, onTrue, onFalse);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    const sides = lowerCondition(f, node.operand, onFalse, onTrue);
    return { whenTrue: sides.whenFalse, whenFalse: sides.whenTrue };
  }
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    if (kind === ts.SyntaxKind.AmpersandAmpersandToken) return lowerAnd(f, node, onTrue, onFalse);
    if (kind === ts.SyntaxKind.BarBarToken) return lowerOr(f, node, onTrue, onFalse);
    const operator = comparisons.get(kind);
    if (operator !== undefined) return lowerComparison(f, node, operator, onTrue, onFalse);
  }
  const hint = hintOf(f, node);
  if (hint !== undefined) {
    const sides = lowerCondition(f, hint.condition, onTrue, onFalse);
    weigh(f, onTrue, onFalse, hint.weights);
    return sides;
  }
  return jump(f, f.expression(node), node, onTrue, onFalse);
}

/** What a call of `unlikely` or `weighed` says of its condition. */
function hintOf(
  f: FunctionLowering,
  node: ts.Expression,
): { readonly condition: ts.Expression; readonly weights: Weights } | undefined {
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression) || !f.hasCapture(node.expression.text))
    return undefined;
  const callee = f.capture(node.expression.text);
  const name = typeof callee === "function" ? f.front.core.intrinsics.intrinsicName(callee) : undefined;
  const [condition, yes, no] = node.arguments;
  if (condition === undefined) return undefined;
  if (name === "unlikely") return { condition, weights: unlikely };
  if (name !== "weighed" || yes === undefined || no === undefined) return undefined;
  return { condition, weights: [weightOf(f, yes), weightOf(f, no)] };
}

function weightOf(f: FunctionLowering, node: ts.Expression): number {
  const operand = f.expression(node);
  if (operand.kind === "known" && typeof operand.value === "number" && operand.value >= 0)
    return operand.value;
  return f.refuse("not-known", node, { what: "a weight" });
}

/** Gives every branch of the condition that has no weights of its own those of the whole. */
function weigh(f: FunctionLowering, onTrue: Block, onFalse: Block, [yes, no]: Weights): void {
  for (const candidate of f.b.blocks) {
    const end = candidate.end;
    if (end?.op !== "branch" || end.weights !== undefined) continue;
    if (end.then === onTrue || end.else === onFalse) candidate.end = { ...end, weights: [yes, no] };
    else if (end.else === onTrue || end.then === onFalse) candidate.end = { ...end, weights: [no, yes] };
  }
}

function constantSides(f: FunctionLowering, value: boolean, onTrue: Block, onFalse: Block): Sides {
  f.b.jump(value ? onTrue : onFalse);
  return value ? { whenTrue: f.env, whenFalse: undefined } : { whenTrue: undefined, whenFalse: f.env };
}

function jump(f: FunctionLowering, operand: Operand, node: ts.Node, onTrue: Block, onFalse: Block): Sides {
  if (f.env === undefined) return { whenTrue: undefined, whenFalse: undefined };
  if (operand.kind === "known") {
    if (typeof operand.value !== "boolean") f.refuse("not-a-boolean", node, { what: describe(operand) });
    return constantSides(f, operand.value as boolean, onTrue, onFalse);
  }
  return split(f, f.bool(operand, node), onTrue, onFalse);
}

function split(f: FunctionLowering, value: Value, onTrue: Block, onFalse: Block): Sides {
  f.b.branch(value, onTrue, onFalse);
  return { whenTrue: f.env, whenFalse: f.env };
}

function lowerAnd(f: FunctionLowering, node: ts.BinaryExpression, onTrue: Block, onFalse: Block): Sides {
  const next = f.b.block("and");
  const first = lowerCondition(f, node.left, next, onFalse);
  if (first.whenTrue === undefined) return { whenTrue: undefined, whenFalse: first.whenFalse };
  f.resume(next, first.whenTrue);
  const second = lowerCondition(f, node.right, onTrue, onFalse);
  return { whenTrue: second.whenTrue, whenFalse: joinEnvs(first.whenFalse, second.whenFalse) };
}

function lowerOr(f: FunctionLowering, node: ts.BinaryExpression, onTrue: Block, onFalse: Block): Sides {
  const next = f.b.block("or");
  const first = lowerCondition(f, node.left, onTrue, next);
  if (first.whenFalse === undefined) return { whenTrue: first.whenTrue, whenFalse: undefined };
  f.resume(next, first.whenFalse);
  const second = lowerCondition(f, node.right, onTrue, onFalse);
  return { whenTrue: joinEnvs(first.whenTrue, second.whenTrue), whenFalse: second.whenFalse };
}

/** A local that a condition teaches something about. */
function variableIn(f: FunctionLowering, node: ts.Expression): Variable | undefined {
  if (ts.isParenthesizedExpression(node)) return variableIn(f, node.expression);
  return ts.isIdentifier(node) ? f.variableOf(node) : undefined;
}

/** A local plus a constant: what a comparison teaches of the sum, it teaches of the local. */
interface Term {
  readonly variable: Variable;
  readonly plus: bigint;
}

function termIn(f: FunctionLowering, node: ts.Expression): Term | undefined {
  if (ts.isParenthesizedExpression(node)) return termIn(f, node.expression);
  if (ts.isBinaryExpression(node)) {
    const sign =
      node.operatorToken.kind === ts.SyntaxKind.PlusToken
        ? 1n
        : node.operatorToken.kind === ts.SyntaxKind.MinusToken
          ? -1n
          : undefined;
    const term = sign === undefined ? undefined : termIn(f, node.left);
    const by = term === undefined ? undefined : constantOf(f, node.right);
    return term === undefined || by === undefined
      ? undefined
      : { variable: term.variable, plus: term.plus + sign! * by };
  }
  const variable = variableIn(f, node);
  return variable === undefined ? undefined : { variable, plus: 0n };
}

/** The value of an integer literal or a captured integer. */
function constantOf(f: FunctionLowering, node: ts.Expression): bigint | undefined {
  if (ts.isParenthesizedExpression(node)) return constantOf(f, node.expression);
  if (ts.isNumericLiteral(node))
    return Number.isSafeInteger(Number(node.text)) ? BigInt(node.text) : undefined;
  if (ts.isBigIntLiteral(node)) return BigInt(node.text.slice(0, -1));
  if (!ts.isIdentifier(node) || f.variableOf(node) !== undefined || !f.hasCapture(node.text))
    return undefined;
  const value = f.capture(node.text);
  return typeof value === "bigint"
    ? value
    : typeof value === "number" && Number.isSafeInteger(value)
      ? BigInt(value)
      : undefined;
}

function isInt(operand: Operand): boolean {
  return (
    operand.kind === "int" ||
    (operand.kind === "known" && (typeof operand.value === "number" || typeof operand.value === "bigint"))
  );
}

function lowerComparison(
  f: FunctionLowering,
  node: ts.BinaryExpression,
  operator: string,
  onTrue: Block,
  onFalse: Block,
): Sides {
  const left = f.expression(node.left);
  const right = f.expression(node.right);
  if (f.env === undefined) return { whenTrue: undefined, whenFalse: undefined };
  if (left.kind === "known" && right.kind === "known") {
    const kinds = [typeof left.value, typeof right.value];
    if (kinds.includes("number") && kinds.includes("bigint")) f.refuse("mixed-kinds", node);
  }
  if (left.kind === "known" && right.kind === "known")
    return constantSides(f, compareKnown(operator, left.value, right.value), onTrue, onFalse);
  if (isInt(left) && isInt(right))
    return compareInts(f, node, operator, f.int(left, node.left), f.int(right, node.right), onTrue, onFalse);
  const value = sameness(f, left, right, node);
  if (operator !== "===" && operator !== "!==") f.refuse("not-an-integer", node, { what: describe(left) });
  if (typeof value === "boolean") return constantSides(f, value === (operator === "==="), onTrue, onFalse);
  f.at(node);
  const same = operator === "===";
  f.b.branch(value, same ? onTrue : onFalse, same ? onFalse : onTrue);
  const variable = isNull(right)
    ? variableIn(f, node.left)
    : isNull(left)
      ? variableIn(f, node.right)
      : undefined;
  if (variable === undefined) return { whenTrue: f.env, whenFalse: f.env };
  const whenNull = new Map(f.env).set(variable, point(0n));
  const whenThere = new Map(f.env).set(variable, point(1n));
  return same ? { whenTrue: whenNull, whenFalse: whenThere } : { whenTrue: whenThere, whenFalse: whenNull };
}

const isNull = (operand: Operand): boolean => operand.kind === "known" && operand.value === null;

function compareKnown(operator: string, a: unknown, b: unknown): boolean {
  switch (operator) {
    case "===":
      return a === b;
    case "!==":
      return a !== b;
    case "<":
      return (a as number) < (b as number);
    case "<=":
      return (a as number) <= (b as number);
    case ">":
      return (a as number) > (b as number);
    default:
      return (a as number) >= (b as number);
  }
}

/** Whether two operands that are no integers are the same: decided, or an i1. */
function sameness(
  f: FunctionLowering,
  left: Operand,
  right: Operand,
  node: ts.BinaryExpression,
): Value | boolean {
  const pointer = (operand: Operand): Value | undefined =>
    operand.kind === "struct" || operand.kind === "array"
      ? operand.value
      : operand.kind === "known" && operand.value === null
        ? nullPointer
        : undefined;
  const a = pointer(left);
  const b = pointer(right);
  if (a !== undefined && b !== undefined) {
    const neverNull = (operand: Operand): boolean =>
      operand.kind === "array" || (operand.kind === "struct" && !operand.nullable);
    if ((a === nullPointer && neverNull(right)) || (b === nullPointer && neverNull(left))) return false;
    return f.b.compare("eq", a, b);
  }
  const boolean = (operand: Operand): boolean =>
    operand.kind === "bool" || (operand.kind === "known" && typeof operand.value === "boolean");
  if (boolean(left) && boolean(right))
    return f.b.compare("eq", f.bool(left, node.left), f.bool(right, node.right));
  // What gives nothing back gives undefined.
  const isUndefined = (o: Operand): boolean =>
    o.kind === "void" || (o.kind === "known" && o.value === undefined);
  if (isUndefined(left) && isUndefined(right)) return true;
  // A run-time value is never one of the other build-time values: undefined, a string, an object.
  if ((left.kind === "known") !== (right.kind === "known") && left.kind !== "void" && right.kind !== "void") {
    const { value } = (left.kind === "known" ? left : right) as { value: unknown };
    if (value === undefined) return false;
  }
  return f.refuse("incomparable", node, { left: describe(left), right: describe(right) });
}

function compareInts(
  f: FunctionLowering,
  node: ts.BinaryExpression,
  operator: string,
  left: Int,
  right: Int,
  onTrue: Block,
  onFalse: Block,
): Sides {
  if (left.big !== right.big) f.refuse("mixed-kinds", node, { number: left.big ? "right" : "left" });
  const x = termIn(f, node.left);
  const y = termIn(f, node.right);
  if (f.dry > 0) {
    for (const [term, range] of [
      [x, right.range],
      [y, left.range],
    ] as const) {
      if (term === undefined) continue;
      for (const end of [range.lo, range.hi])
        for (const delta of [-1n, 0n, 1n]) f.thresholds.add(end + delta - term.plus);
    }
  }
  const answer = decided(operator, left.range, right.range);
  if (answer !== undefined) return constantSides(f, answer, onTrue, onFalse);
  const side = (op: string): Env => {
    const env = new Map(f.env);
    for (const [term, range] of [
      [x, refined(op, left.range, right.range)],
      [y, refined(mirrored[op]!, right.range, left.range)],
    ] as const) {
      if (range === undefined) return undefined;
      if (term !== undefined)
        env.set(
          term.variable,
          term.plus === 0n ? range : { lo: range.lo - term.plus, hi: range.hi - term.plus },
        );
    }
    return env;
  };
  const sides: Sides = { whenTrue: side(operator), whenFalse: side(opposite[operator]!) };
  if (sides.whenTrue === undefined || sides.whenFalse === undefined)
    return constantSides(f, sides.whenFalse === undefined, onTrue, onFalse);
  f.at(node);
  const holds =
    compare(f.b, operator, left, right) ??
    f.refuse("beyond-128", node, { range: show(join(left.range, right.range)) });
  f.b.branch(holds, onTrue, onFalse);
  return sides;
}
