/** Conversions of integers: a width's name called as a function, and its `checked`. */
import type { ts } from "ts-morph";
import type { IntDescriptor } from "../../../dsl/core/int.ts";
import { truncate } from "../arithmetic.ts";
import { likely } from "../../ir/ir.ts";
import type { FunctionLowering } from "../function.ts";
import { contains, join, show, signed, unsigned } from "../interval.ts";
import { carriedAt, compare, literal } from "../numeric.ts";
import { known, type Operand } from "../operand.ts";
import { lowerWrapping } from "../wrapping.ts";

/** Whether a build-time value is the type of an integer. */
export function isInt(value: unknown): value is IntDescriptor<unknown> {
  return typeof value === "function" && (value as Partial<IntDescriptor<unknown>>).kind === "int";
}

/** `u8(x)`: truncates. Under `u64(…)` and `i64(…)`, arithmetic wraps. */
export function lowerConversion(
  f: FunctionLowering,
  type: IntDescriptor<unknown>,
  node: ts.CallExpression,
): Operand {
  const [argument] = node.arguments;
  if (argument === undefined) return f.refuse("missing-argument", node, { name: "value" });
  const operand = type.bits === 64 ? lowerWrapping(f, argument) : f.expression(argument);
  if (operand.kind === "known" && (typeof operand.value === "number" || typeof operand.value === "bigint")) {
    if (typeof operand.value === "number" && !Number.isSafeInteger(operand.value))
      f.refuse("float", argument, { value: String(operand.value) });
    const value = type.signed
      ? BigInt.asIntN(type.bits, BigInt(operand.value))
      : BigInt.asUintN(type.bits, BigInt(operand.value));
    return known(type.bits === 64 ? value : Number(value));
  }
  return truncate(f, f.int(operand, argument), type);
}

/** `u8.checked(x)`: traps where the value does not fit. */
export function lowerChecked(
  f: FunctionLowering,
  type: IntDescriptor<unknown>,
  node: ts.CallExpression,
): Operand {
  const [argument] = node.arguments;
  if (argument === undefined) return f.refuse("missing-argument", node, { name: "value" });
  if (f.strict) f.refuse("trap-in-model", node, { name: `${type.name}.checked` });
  const a = f.int(f.expression(argument), argument);
  const range = type.signed ? signed(type.bits) : unsigned(type.bits);
  const big = type.bits === 64;
  if (!contains(range, a.range)) {
    for (const [operator, end] of [
      ["<=", range.hi],
      [">=", range.lo],
    ] as const) {
      if (operator === "<=" ? a.range.hi <= end : a.range.lo >= end) continue;
      const fits = f.b.block("fits");
      const tooBig = f.b.block("unfit");
      const bound = literal(end, a.big);
      const holds =
        compare(f.b, operator, a, bound) ??
        f.refuse("beyond-128", argument, { range: show(join(a.range, bound.range)) });
      f.b.branch(holds, fits, tooBig, likely);
      f.b.place(tooBig);
      f.trap(`a value outside ${show(range)} does not fit ${type.name}`, node);
      f.b.place(fits);
    }
  }
  const lo = a.range.lo > range.lo ? a.range.lo : range.lo;
  const hi = a.range.hi < range.hi ? a.range.hi : range.hi;
  if (lo > hi) f.refuse("may-not-fit", argument, { range: show(a.range), type: type.name });
  return { kind: "int", big, range: { lo, hi }, value: carriedAt(f.b, a, big ? 64 : 32) };
}
