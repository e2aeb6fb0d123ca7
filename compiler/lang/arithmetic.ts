/** Arithmetic on two integers of one kind: the interval rule of each operator and how it is computed. */
import type { ts } from "ts-morph";
import { constant } from "../ir/builder.ts";
import { i32, type BinaryOp } from "../ir/ir.ts";
import type { FunctionLowering } from "./function.ts";
import * as I from "./interval.ts";
import { carriedAt, divide, modular } from "./numeric.ts";
import type { Int } from "./operand.ts";
import { bitsFor } from "./shape.ts";

/** A result that must be exact: within ±2^53 for numbers, within 128 bits for bigints. */
export function exact(
  f: FunctionLowering,
  op: BinaryOp,
  a: Int,
  b: Int,
  range: I.Interval,
  node: ts.Node,
): Int {
  if (!a.big && !I.contains(I.safeNumber, range)) f.refuse("beyond-2-53", node, { range: I.show(range) });
  const bits = bitsFor(range, a.big);
  if (bits === undefined) return f.refuse("beyond-128", node, { range: I.show(range) });
  return modular(f.b, op, a, b, range, bits);
}

/** A number as JavaScript's ToInt32 sees it: 32 bits. */
export function toInt32(f: FunctionLowering, a: Int): Int {
  const value = carriedAt(f.b, a, 32);
  return { kind: "int", big: false, range: I.contains(I.i32Range, a.range) ? a.range : I.i32Range, value };
}

/** `a operator b`, exact. */
export function arithmetic(
  f: FunctionLowering,
  operator: string,
  a: Int,
  b: Int,
  node: ts.BinaryExpression,
): Int {
  if (a.big !== b.big) f.refuse("mixed-kinds", node, { number: a.big ? "right" : "left" });
  switch (operator) {
    case "+":
      return exact(f, "add", a, b, I.add(a.range, b.range), node);
    case "-":
      return exact(f, "sub", a, b, I.sub(a.range, b.range), node);
    case "*":
      return exact(f, "mul", a, b, I.mul(a.range, b.range), node);
    case "/":
      if (!a.big) f.refuse("division", node);
      return quotient(f, "div", a, b, node);
    case "%":
      return quotient(f, "rem", a, b, node);
    case "&":
      return bitwise(f, "and", a, b, node);
    case "|":
      return bitwise(f, "or", a, b, node);
    case "^":
      return bitwise(f, "xor", a, b, node);
    case "<<":
      return a.big ? bigShift(f, "shl", a, b, node) : shiftLeft(f, a, b, node);
    case ">>":
      return a.big ? bigShift(f, "shr", a, b, node) : shiftRight(f, a, b, node);
    case ">>>":
      if (a.big) f.refuse("mixed-kinds", node);
      return shiftRightUnsigned(f, a, b, node);
    default:
      return f.refuse("unsupported", node, { what: operator });
  }
}

/** Division and remainder, the divisor proved not to be 0. */
export function quotient(f: FunctionLowering, op: "div" | "rem", a: Int, b: Int, node: ts.Node): Int {
  if (!I.excludesZero(b.range)) f.refuse("divisor-zero", node, { range: I.show(b.range) });
  const range = op === "div" ? I.div(a.range, b.range) : I.rem(a.range, b.range);
  return (
    divide(f.b, op, a, b, range) ??
    f.refuse("beyond-128", node, { range: I.show(I.join(I.join(a.range, b.range), range)) })
  );
}

const bitwiseRange = { and: I.and, or: I.or, xor: I.xor };

function bitwise(f: FunctionLowering, op: "and" | "or" | "xor", a: Int, b: Int, node: ts.Node): Int {
  if (a.big) {
    const range = bitwiseRange[op](a.range, b.range);
    // A mask with a non-negative side needs no more than that side's bits; the other's low bits suffice.
    return exact(f, op, a, b, range, node);
  }
  const x = a.range;
  const y = b.range;
  const small = (r: I.Interval): boolean => r.lo >= 0n && r.hi < 1n << 31n;
  let range = I.i32Range;
  if (op === "and" && (small(x) || small(y)))
    range = { lo: 0n, hi: small(x) && small(y) ? I.and(x, y).hi : small(x) ? x.hi : y.hi };
  else if (I.contains(I.i32Range, x) && I.contains(I.i32Range, y)) range = bitwiseRange[op](x, y);
  return {
    kind: "int",
    big: false,
    range,
    value: f.b.binary(op, carriedAt(f.b, a, 32), carriedAt(f.b, b, 32)),
  };
}

/** A shift count that is proved to be below the width; JavaScript's own masking is never relied on. */
function count(f: FunctionLowering, b: Int, limit: bigint, node: ts.BinaryExpression): I.Interval {
  if (b.range.lo < 0n || b.range.hi >= limit)
    f.refuse("shift-count", node.right, { range: I.show(b.range), limit: String(limit) });
  return b.range;
}

function shiftLeft(f: FunctionLowering, a: Int, b: Int, node: ts.BinaryExpression): Int {
  const n = count(f, b, 32n, node);
  const exactRange = I.shl(a.range, n);
  const range =
    I.contains(I.i32Range, a.range) && I.contains(I.i32Range, exactRange) ? exactRange : I.i32Range;
  return {
    kind: "int",
    big: false,
    range,
    value: f.b.binary("shl", carriedAt(f.b, a, 32), carriedAt(f.b, b, 32)),
  };
}

function shiftRight(f: FunctionLowering, a: Int, b: Int, node: ts.BinaryExpression): Int {
  const n = count(f, b, 32n, node);
  const x = toInt32(f, a);
  return {
    kind: "int",
    big: false,
    range: I.shr(x.range, n),
    value: f.b.binary(x.range.lo < 0n ? "ashr" : "lshr", x.value, carriedAt(f.b, b, 32)),
  };
}

function shiftRightUnsigned(f: FunctionLowering, a: Int, b: Int, node: ts.BinaryExpression): Int {
  const n = count(f, b, 32n, node);
  const source = I.contains(I.u32Range, a.range) ? a.range : I.u32Range;
  return {
    kind: "int",
    big: false,
    range: I.shr(source, n),
    value: f.b.binary("lshr", carriedAt(f.b, a, 32), carriedAt(f.b, b, 32)),
  };
}

function bigShift(f: FunctionLowering, op: "shl" | "shr", a: Int, b: Int, node: ts.BinaryExpression): Int {
  const n = count(f, b, 128n, node);
  if (op === "shl") {
    const range = I.shl(a.range, n);
    const bits = bitsFor(range, true);
    if (bits === undefined) return f.refuse("beyond-128", node, { range: I.show(range) });
    return modular(f.b, "shl", a, b, range, n.hi >= BigInt(bits) ? 128 : bits);
  }
  const own = bitsFor(a.range, true) ?? 128;
  const bits = n.hi >= BigInt(own) ? 128 : own;
  const value = f.b.binary(
    a.range.lo < 0n ? "ashr" : "lshr",
    carriedAt(f.b, a, bits),
    carriedAt(f.b, b, bits),
  );
  const range = I.shr(a.range, n);
  const result: Int = { kind: "int", big: true, range, value };
  const carried = bitsFor(range, true) ?? 128;
  return { ...result, value: carriedAt(f.b, result, carried) };
}

/** Truncates to a width, as `u8(x)` does. */
export function truncate(
  f: FunctionLowering,
  a: Int,
  target: { readonly bits: number; readonly signed: boolean },
): Int {
  const range = target.signed ? I.signed(target.bits) : I.unsigned(target.bits);
  const big = target.bits === 64;
  if (I.contains(range, a.range))
    return { kind: "int", big, range: a.range, value: carriedAt(f.b, a, big ? 64 : 32) };
  if (big) return { kind: "int", big, range, value: carriedAt(f.b, a, 64) };
  const low = carriedAt(f.b, a, 32);
  if (target.bits === 32) return { kind: "int", big, range, value: low };
  return {
    kind: "int",
    big,
    range,
    value: f.b.binary("and", low, constant(i32, (1n << BigInt(target.bits)) - 1n)),
  };
}
