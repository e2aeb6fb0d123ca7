/** Intervals checked where the program runs: for tests of the compiler, in which a wrong one must not stay hidden. */
import type { ts } from "ts-morph";
import { constant } from "../ir/builder.ts";
import type { FunctionLowering } from "./function.ts";
import { contains, show, signed, unsigned } from "./interval.ts";
import { widthOf } from "./numeric.ts";
import type { Int } from "./operand.ts";
import { irInt } from "./shape.ts";

/** Traps where an integer is outside the interval that was inferred for it. */
export function checkInterval(f: FunctionLowering, a: Int, node: ts.Node): void {
  const bits = widthOf(a.value);
  const negative = a.range.lo < 0n;
  if (a.value.kind === "const" || contains(a.range, negative ? signed(bits) : unsigned(bits))) return;
  for (const [predicate, end] of [
    [negative ? "sge" : "uge", a.range.lo],
    [negative ? "sle" : "ule", a.range.hi],
  ] as const) {
    const inside = f.b.block("inside");
    const outside = f.b.block("outside");
    f.b.branch(f.b.compare(predicate, a.value, constant(irInt(bits), end)), inside, outside, true);
    f.b.place(outside);
    f.trap(`${node.getText()} is outside ${show(a.range)}`, node);
    f.b.place(inside);
  }
  if (a.range.nonZero !== true) return;
  const other = f.b.block("inside");
  const zero = f.b.block("zero");
  f.b.branch(f.b.compare("ne", a.value, constant(irInt(bits), 0n)), other, zero, true);
  f.b.place(zero);
  f.trap(`${node.getText()} is 0`, node);
  f.b.place(other);
}
