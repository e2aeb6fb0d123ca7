import { ts } from "ts-morph";
import { constant, symbolAddress } from "../../ir/builder.ts";
import { i64, type Value, likely } from "../../ir/ir.ts";
import { loadField } from "../fields.ts";
import type { FunctionLowering } from "../function.ts";
import { contains, show } from "../interval.ts";
import { assumeIntervals } from "../interval-check.ts";
import { operandOf } from "../known.ts";
import { carriedAt } from "../numeric.ts";
import { describe, type ArrayOperand, type Int, type Operand } from "../operand.ts";
import { readProperty } from "./property.ts";

export function lowerElement(f: FunctionLowering, node: ts.ElementAccessExpression): Operand {
  if (node.questionDotToken !== undefined) f.refuse("unsupported", node, { what: "`?.`" });
  const object = f.expression(node.expression);
  const index = f.expression(node.argumentExpression);
  if (object.kind === "array")
    return loadField(
      f,
      object.descriptor.element,
      elementAddress(f, object, index, node),
      object.descriptor.element.align,
    );
  if (index.kind === "known" && typeof index.value === "string")
    return readProperty(f, object, index.value, node);
  if (object.kind === "known" && Array.isArray(object.value))
    return tableElement(f, object.value, index, node);
  if (
    object.kind === "known" &&
    index.kind === "known" &&
    typeof object.value === "object" &&
    object.value !== null
  ) {
    return operandOf(f, (object.value as Record<string, unknown>)[String(index.value)], node);
  }
  return f.refuse("not-indexable", node, { what: describe(object) });
}

/** The index as an i64 that is in range: proved, or checked where a check is allowed. */
function checkedIndex(
  f: FunctionLowering,
  index: Operand,
  length: number,
  node: ts.ElementAccessExpression,
): Value {
  const i: Int = f.int(index, node.argumentExpression);
  if (i.big) f.refuse("bigint-index", node.argumentExpression);
  if (length === 0 || i.range.lo >= BigInt(length) || i.range.hi < 0n)
    f.refuse("index", node.argumentExpression, { range: show(i.range), length: String(length) });
  const value = carriedAt(f.b, i, 64);
  if (contains({ lo: 0n, hi: BigInt(length) - 1n }, i.range)) return value;
  if (f.strict) f.refuse("index", node.argumentExpression, { range: show(i.range), length: String(length) });
  const inside = f.b.block("inside");
  const outside = f.b.block("outside");
  f.b.branch(f.b.compare("ult", value, constant(i64, BigInt(length))), inside, outside, likely);
  f.b.place(outside);
  f.trap(`index of ${node.expression.getText()} is outside its ${length} elements`, node);
  f.b.place(inside);
  const argument = node.argumentExpression;
  if (ts.isIdentifier(argument)) {
    const variable = f.variableOf(argument);
    if (variable !== undefined)
      f.know(variable, {
        lo: i.range.lo < 0n ? 0n : i.range.lo,
        hi: i.range.hi >= BigInt(length) ? BigInt(length) - 1n : i.range.hi,
      });
  }
  return value;
}

/** The address of an element. */
export function elementAddress(
  f: FunctionLowering,
  array: ArrayOperand,
  index: Operand,
  node: ts.ElementAccessExpression,
): Value {
  const { length, stride } = array.descriptor;
  if (
    index.kind === "known" &&
    typeof index.value === "number" &&
    Number.isInteger(index.value) &&
    index.value >= 0 &&
    index.value < length
  ) {
    return f.b.offset(array.value, index.value * stride);
  }
  return f.b.index(array.value, checkedIndex(f, index, length, node), stride);
}

/** An element of a build-time array: known where the index is, else read from a table of integers. */
function tableElement(
  f: FunctionLowering,
  values: readonly unknown[],
  index: Operand,
  node: ts.ElementAccessExpression,
): Operand {
  if (index.kind === "known") {
    if (typeof index.value !== "number" || !(index.value in values))
      f.refuse("index", node.argumentExpression, {
        range: String(index.value),
        length: String(values.length),
      });
    return operandOf(f, values[index.value as number], node);
  }
  const kinds = new Set(values.map((v) => typeof v));
  const [kind] = kinds;
  if (kinds.size !== 1 || (kind !== "number" && kind !== "bigint" && kind !== "boolean"))
    f.refuse("table-elements", node, {});
  if (kind === "number" && !values.every((v) => Number.isSafeInteger(v)))
    f.refuse("table-elements", node, {});
  const ints = (values as (number | bigint | boolean)[]).map((v) => BigInt(v));
  const lo = ints.reduce((a, v) => (v < a ? v : a), ints[0] ?? 0n);
  const hi = ints.reduce((a, v) => (v > a ? v : a), ints[0] ?? 0n);
  const size = ([1, 2, 4, 8] as const).find((n) => {
    const bits = BigInt(8 * n);
    return lo >= 0n ? hi < 1n << bits : lo >= -(1n << (bits - 1n)) && hi < 1n << (bits - 1n);
  });
  if (size === undefined) f.refuse("table-elements", node, {});
  const at = f.b.index(
    symbolAddress(f.program.data.table(values as number[], size!, f.locOf(node))),
    checkedIndex(f, index, values.length, node),
    size!,
  );
  const raw = f.b.load({ kind: "int", bits: (size! * 8) as 8 }, at, size!);
  if (kind === "boolean") return { kind: "bool", value: f.b.compare("ne", raw, constant(raw.type, 0n)) };
  const big = kind === "bigint";
  const bits = big || size === 8 ? 64 : 32;
  const value = size! * 8 === bits ? raw : f.b.cast(lo < 0n ? "sext" : "zext", raw, { kind: "int", bits });
  const element: Int = { kind: "int", big, range: { lo, hi }, value };
  assumeIntervals(f, element);
  return element;
}
