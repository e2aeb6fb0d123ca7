/**
 * Intervals in the program: handed to the optimiser where it cannot find them by itself, and, for tests of the compiler,
 * checked where the program runs, so that a wrong one does not stay hidden.
 */
import type { ts } from "ts-morph";
import { constant } from "../ir/builder.ts";
import type { Value } from "../ir/ir.ts";
import { likely } from "../ir/ir.ts";
import type { FunctionLowering } from "./function.ts";
import { contains, show, signed, unsigned } from "./interval.ts";
import { widthOf } from "./numeric.ts";
import type { Int, Operand } from "./operand.ts";
import { irInt } from "./shape.ts";

/** Conditions that hold for an integer inside its interval, as far as its width does not imply them. */
function* conditions(
  f: FunctionLowering,
  a: Int,
): Generator<{ readonly holds: Value; readonly not: string }> {
  const bits = widthOf(a.value);
  const negative = a.range.lo < 0n;
  const width = negative ? signed(bits) : unsigned(bits);
  if (a.value.kind === "const") return;
  const { lo, hi } = a.range;
  const end = (value: bigint): Value => constant(irInt(bits), value);
  const outside = `outside ${show(a.range)}`;
  if (!contains(a.range, { ...width, hi: lo }))
    yield { holds: f.b.compare(negative ? "sge" : "uge", a.value, end(lo)), not: outside };
  if (!contains(a.range, { ...width, lo: hi }))
    yield { holds: f.b.compare(negative ? "sle" : "ule", a.value, end(hi)), not: outside };
  if (a.range.nonZero === true) yield { holds: f.b.compare("ne", a.value, end(0n)), not: "0" };
}

/** Traps where an integer is outside the interval that was inferred for it. */
export function checkInterval(f: FunctionLowering, a: Int, node: ts.Node): void {
  for (const { holds, not } of conditions(f, a)) {
    const inside = f.b.block("inside");
    const outside = f.b.block("outside");
    f.b.branch(holds, inside, outside, likely);
    f.b.place(outside);
    f.trap(`${node.getText()} is ${not}`, node);
    f.b.place(inside);
  }
}

/**
 * Tells the optimiser the intervals of what comes from where it does not look: parameters, results of calls and tables.
 * Within a function it finds the rest from these.
 */
export function assumeIntervals(f: FunctionLowering, operand: Operand): void {
  if (f.program.debug) return;
  if (operand.kind === "int") for (const { holds } of conditions(f, operand)) f.b.assume(holds);
  else if (operand.kind === "record") for (const field of operand.fields.values()) assumeIntervals(f, field);
}
