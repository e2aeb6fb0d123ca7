/** Integers: how they are carried, converted and combined. Every rule that depends on a width is here. */
import type { BinaryOp, Predicate, Value } from "../ir/ir.ts";
import { constant } from "../ir/builder.ts";
import type { FunctionBuilder } from "../ir/builder.ts";
import { bitsFor, irInt } from "./shape.ts";
import {
  contains,
  div,
  excludesZero,
  join,
  signed,
  unsigned,
  withoutZero,
  type Interval,
} from "./interval.ts";
import type { Int } from "./operand.ts";

type Carried = 32 | 64 | 128;

export function widthOf(value: Value): Carried {
  if (value.type.kind !== "int") throw new Error("an integer is expected");
  return value.type.bits as Carried;
}

/** An integer constant. */
export function literal(value: bigint, big: boolean): Int {
  const range = { lo: value, hi: value };
  return { kind: "int", big, range, value: constant(irInt(bitsFor(range, big) ?? 128), value) };
}

/** The value in exactly `bits`: extended as its range demands, or its low bits. */
export function carriedAt(b: FunctionBuilder, a: Int, bits: Carried): Value {
  const width = widthOf(a.value);
  if (width === bits) return a.value;
  if (a.value.kind === "const") {
    const own = a.value.value;
    return constant(
      irInt(bits),
      a.range.lo === a.range.hi ? a.range.lo : a.range.lo < 0n ? BigInt.asIntN(width, own) : own,
    );
  }
  if (width > bits) return b.cast("trunc", a.value, irInt(bits));
  return b.cast(a.range.lo < 0n ? "sext" : "zext", a.value, irInt(bits));
}

/** The same integer, known to be within a range. */
export function within(a: Int, range: Interval): Int {
  return { ...a, range };
}

/** An operation that is exact modulo the carried width, so that only its result must fit. */
export function modular(
  b: FunctionBuilder,
  op: BinaryOp,
  x: Int,
  y: Int,
  range: Interval,
  bits: Carried,
): Int {
  return {
    kind: "int",
    big: x.big,
    range,
    value: b.binary(op, carriedAt(b, x, bits), carriedAt(b, y, bits)),
  };
}

/** The width and sign in which all ranges can be told apart; undefined where 128 bits do not suffice. */
export function commonWidth(...ranges: readonly Interval[]): { bits: Carried; signed: boolean } | undefined {
  const all = ranges.reduce(join);
  const negative = all.lo < 0n;
  for (const bits of [32, 64, 128] as const)
    if (contains(negative ? signed(bits) : unsigned(bits), all)) return { bits, signed: negative };
  return undefined;
}

/**
 * Division and remainder, in a width that also holds the quotient: the least integer over -1 has none in its own.
 * Undefined where 128 bits do not suffice.
 */
export function divide(
  b: FunctionBuilder,
  op: "div" | "rem",
  x: Int,
  y: Int,
  range: Interval,
): Int | undefined {
  const width = commonWidth(x.range, y.range, div(x.range, y.range));
  if (width === undefined) return undefined;
  const { bits, signed: negative } = width;
  const fn = `${negative ? "s" : "u"}${op}` as BinaryOp;
  const value = b.binary(fn, carriedAt(b, x, bits), carriedAt(b, y, bits));
  return settle(b, { kind: "int", big: x.big, range, value });
}

/** Brings an integer to the width in which its range is carried. */
export function settle(b: FunctionBuilder, a: Int): Int {
  const bits = bitsFor(a.range, a.big) ?? 128;
  return widthOf(a.value) === bits ? a : { ...a, value: carriedAt(b, a, bits) };
}

const predicates: Readonly<Record<string, readonly [Predicate, Predicate]>> = {
  "<": ["ult", "slt"],
  "<=": ["ule", "sle"],
  ">": ["ugt", "sgt"],
  ">=": ["uge", "sge"],
  "===": ["eq", "eq"],
  "!==": ["ne", "ne"],
};

/** Compares two integers of one kind; undefined where 128 bits cannot hold both. */
export function compare(b: FunctionBuilder, operator: string, x: Int, y: Int): Value | undefined {
  const width = commonWidth(x.range, y.range);
  if (width === undefined) return undefined;
  const { bits, signed: negative } = width;
  return b.compare(predicates[operator]![negative ? 1 : 0], carriedAt(b, x, bits), carriedAt(b, y, bits));
}

/** Whether a comparison is decided by the ranges alone. */
export function decided(operator: string, x: Interval, y: Interval): boolean | undefined {
  switch (operator) {
    case "<":
      return x.hi < y.lo ? true : x.lo >= y.hi ? false : undefined;
    case "<=":
      return x.hi <= y.lo ? true : x.lo > y.hi ? false : undefined;
    case ">":
      return decided("<", y, x);
    case ">=":
      return decided("<=", y, x);
    case "===":
      return x.lo === x.hi && y.lo === y.hi && x.lo === y.lo
        ? true
        : x.hi < y.lo || y.hi < x.lo
          ? false
          : undefined;
    case "!==": {
      const same = decided("===", x, y);
      return same === undefined ? undefined : !same;
    }
    default:
      return undefined;
  }
}

/** What `x` is where `x operator y` holds; undefined where it cannot hold. */
export function refined(operator: string, x: Interval, y: Interval): Interval | undefined {
  const range = refinedEnds(operator, x, y);
  if (range === undefined) return undefined;
  const notZero =
    x.nonZero === true ||
    (operator === "!==" && y.lo === 0n && y.hi === 0n) ||
    (operator === "===" && excludesZero(y));
  return notZero ? withoutZero(range) : range;
}

function refinedEnds(operator: string, x: Interval, y: Interval): Interval | undefined {
  let { lo, hi } = x;
  switch (operator) {
    case "<":
      if (y.hi - 1n < hi) hi = y.hi - 1n;
      break;
    case "<=":
      if (y.hi < hi) hi = y.hi;
      break;
    case ">":
      if (y.lo + 1n > lo) lo = y.lo + 1n;
      break;
    case ">=":
      if (y.lo > lo) lo = y.lo;
      break;
    case "===":
      if (y.lo > lo) lo = y.lo;
      if (y.hi < hi) hi = y.hi;
      break;
    case "!==":
      if (y.lo === y.hi) {
        if (lo === y.lo) lo += 1n;
        if (hi === y.lo) hi -= 1n;
      }
      break;
  }
  return lo <= hi ? { lo, hi } : undefined;
}

export const opposite: Readonly<Record<string, string>> = {
  "<": ">=",
  "<=": ">",
  ">": "<=",
  ">=": "<",
  "===": "!==",
  "!==": "===",
};
export const mirrored: Readonly<Record<string, string>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "===": "===",
  "!==": "!==",
};
