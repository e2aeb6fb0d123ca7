/** Arithmetic directly under `u64(…)` and `i64(…)`: it wraps at 64 bits, so its intermediates need not fit. */
import { ts } from "ts-morph";
import { constant } from "../ir/builder.ts";
import { i64, type BinaryOp } from "../ir/ir.ts";
import { combine } from "./expressions/binary.ts";
import { arithmetic } from "./arithmetic.ts";
import type { FunctionLowering } from "./function.ts";
import * as I from "./interval.ts";
import { carriedAt } from "./numeric.ts";
import { known, type Int, type Known, type Operand } from "./operand.ts";

const { SyntaxKind } = ts;
const ring = new Map<ts.SyntaxKind, { op: BinaryOp; range: (a: I.Interval, b: I.Interval) => I.Interval }>([
  [SyntaxKind.PlusToken, { op: "add", range: I.add }],
  [SyntaxKind.MinusToken, { op: "sub", range: I.sub }],
  [SyntaxKind.AsteriskToken, { op: "mul", range: I.mul }],
  [SyntaxKind.AmpersandToken, { op: "and", range: I.and }],
  [SyntaxKind.BarToken, { op: "or", range: I.or }],
  [SyntaxKind.CaretToken, { op: "xor", range: I.xor }],
]);

/** Whether an operand is a bigint. */
const isBig = (operand: Operand): boolean =>
  operand.kind === "int" ? operand.big : operand.kind === "known" && typeof operand.value === "bigint";

/** Lowers an expression modulo 2^64. `range` is its exact interval; it may be larger than 64 bits. */
export function lowerWrapping(f: FunctionLowering, node: ts.Expression): Operand {
  if (ts.isParenthesizedExpression(node)) return lowerWrapping(f, node.expression);
  if (ts.isBinaryExpression(node)) {
    const rule = ring.get(node.operatorToken.kind);
    if (rule !== undefined) {
      const left = lowerWrapping(f, node.left);
      const right = lowerWrapping(f, node.right);
      if (left.kind === "known" && right.kind === "known")
        return combineKnown(f, node.operatorToken.getText(), left, right, node);
      if (!isBig(left) || !isBig(right))
        return arithmetic(
          f,
          node.operatorToken.getText(),
          f.int(left, node.left),
          f.int(right, node.right),
          node,
        );
      const a = f.int(left, node.left);
      const b = f.int(right, node.right);
      const value = f.b.binary(rule.op, carriedAt(f.b, a, 64), carriedAt(f.b, b, 64));
      return wrapped(value, rule.range(a.range, b.range));
    }
    if (node.operatorToken.kind === SyntaxKind.LessThanLessThanToken) {
      const left = lowerWrapping(f, node.left);
      const right = f.expression(node.right);
      if (
        left.kind === "known" &&
        right.kind === "known" &&
        !(typeof right.value === "bigint" && right.value > 63n)
      )
        return combineKnown(f, "<<", left, right, node);
      if (!isBig(left)) return arithmetic(f, "<<", f.int(left, node.left), f.int(right, node.right), node);
      const a = f.int(left, node.left);
      const n = f.int(right, node.right);
      if (!n.big) f.refuse("mixed-kinds", node, { number: "right" });
      if (n.range.lo < 0n || n.range.hi > 63n)
        f.refuse("shift-count", node.right, { range: I.show(n.range), limit: "64" });
      return wrapped(
        f.b.binary("shl", carriedAt(f.b, a, 64), carriedAt(f.b, n, 64)),
        I.shl(a.range, n.range),
      );
    }
  }
  if (
    ts.isPrefixUnaryExpression(node) &&
    (node.operator === SyntaxKind.MinusToken || node.operator === SyntaxKind.TildeToken)
  ) {
    const operand = lowerWrapping(f, node.operand);
    if (operand.kind === "known" && typeof operand.value === "bigint") {
      return known(within64(node.operator === SyntaxKind.MinusToken ? -operand.value : ~operand.value));
    }
    if (operand.kind === "int" && operand.big) {
      const value = carriedAt(f.b, operand, 64);
      return node.operator === SyntaxKind.MinusToken
        ? wrapped(f.b.binary("sub", constant(i64, 0n), value), I.negate(operand.range))
        : wrapped(f.b.binary("xor", value, constant(i64, -1n)), I.complement(operand.range));
    }
    return f.expression(node);
  }
  return f.expression(node);
}

const exactly: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "<<": (a, b) => a << b,
};

/** What JavaScript makes of two known bigints, or something equal to it modulo 2^64 where that is beyond 64 bits. */
function combineKnown(
  f: FunctionLowering,
  operator: string,
  left: Known,
  right: Known,
  node: ts.BinaryExpression,
): Operand {
  if (
    typeof left.value !== "bigint" ||
    typeof right.value !== "bigint" ||
    (operator === "<<" && right.value < 0n)
  )
    return combine(f, operator, left, right, node);
  const value = exactly[operator]!(left.value, right.value);
  return known(within64(value));
}

/** The integer where it fits 64 bits, else one that is equal to it modulo 2^64. */
function within64(value: bigint): bigint {
  return I.contains(I.i64Range, I.point(value)) ? value : BigInt.asUintN(64, value);
}

/** A 64-bit value; its exact interval is kept while it still fits 64 bits either way. */
function wrapped(value: Int["value"], range: I.Interval): Int {
  const fits = I.contains(I.u64Range, range) || I.contains(I.i64Range, range);
  return { kind: "int", big: true, range: fits ? range : I.u64Range, value };
}
