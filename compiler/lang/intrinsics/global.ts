/** The few globals of JavaScript that have a meaning in a compiled body. */
import type { ts } from "ts-morph";
import { constant } from "../../ir/builder.ts";
import { i32, i64 } from "../../ir/ir.ts";
import type { FunctionLowering } from "../function.ts";
import * as I from "../interval.ts";
import { carriedAt, commonWidth, compare } from "../numeric.ts";
import type { Int, Operand } from "../operand.ts";
import { known } from "../operand.ts";
import { bitsFor, irInt } from "../shape.ts";

type Lower = (f: FunctionLowering, node: ts.CallExpression, args: readonly Operand[]) => Operand;

const knownNumber = (operand: Operand): number | undefined =>
  operand.kind === "known" && typeof operand.value === "number" ? operand.value : undefined;

function pick(operator: "<" | ">", name: "min" | "max"): Lower {
  return (f, node, args) => {
    if (args.every((a) => knownNumber(a) !== undefined))
      return known(Math[name](...args.map((a) => knownNumber(a)!)));
    if (args.length !== 2) f.refuse("unsupported", node, { what: `Math.${name} of ${args.length} values` });
    const a = f.int(args[0]!, node.arguments[0]!);
    const b = f.int(args[1]!, node.arguments[1]!);
    if (a.big || b.big) f.refuse("mixed-kinds", node);
    const least = (x: bigint, y: bigint): bigint => (x < y ? x : y);
    const most = (x: bigint, y: bigint): bigint => (x > y ? x : y);
    const range =
      name === "min"
        ? { lo: least(a.range.lo, b.range.lo), hi: least(a.range.hi, b.range.hi) }
        : { lo: most(a.range.lo, b.range.lo), hi: most(a.range.hi, b.range.hi) };
    // Numbers fit 64 bits, so there is a common width.
    const { bits } = commonWidth(a.range, b.range)!;
    const value = f.b.select(compare(f.b, operator, a, b)!, carriedAt(f.b, a, bits), carriedAt(f.b, b, bits));
    const result: Int = { kind: "int", big: false, range, value };
    return { ...result, value: carriedAt(f.b, result, bitsFor(range, false) ?? 64) };
  };
}

/** The globals, under their names in JavaScript. */
export const globals: ReadonlyMap<string, Lower> = new Map<string, Lower>([
  ["Math.min", pick("<", "min")],
  ["Math.max", pick(">", "max")],
  [
    "Math.abs",
    (f, node, args) => {
      const a = f.int(args[0]!, node.arguments[0]!);
      if (a.big) f.refuse("mixed-kinds", node);
      if (a.range.lo >= 0n) return a;
      const zero = constant(irInt(a.value.type.kind === "int" ? (a.value.type.bits as 32) : 32), 0n);
      const value = f.b.select(f.b.compare("slt", a.value, zero), f.b.binary("sub", zero, a.value), a.value);
      const hi = -a.range.lo > a.range.hi ? -a.range.lo : a.range.hi;
      return { kind: "int", big: false, range: { lo: 0n, hi }, value };
    },
  ],
  [
    "Math.clz32",
    (f, node, args) => {
      const a = f.int(args[0]!, node.arguments[0]!);
      return {
        kind: "int",
        big: false,
        range: { lo: 0n, hi: 32n },
        value: f.b.unary("ctlz", carriedAt(f.b, a, 32)),
      };
    },
  ],
  [
    "Math.imul",
    (f, node, args) => {
      const a = f.int(args[0]!, node.arguments[0]!);
      const b = f.int(args[1]!, node.arguments[1]!);
      return {
        kind: "int",
        big: false,
        range: I.i32Range,
        value: f.b.binary("mul", carriedAt(f.b, a, 32), carriedAt(f.b, b, 32)),
      };
    },
  ],
  [
    "BigInt",
    (f, node, args) => {
      if (
        args[0]?.kind === "known" &&
        typeof args[0].value === "number" &&
        Number.isSafeInteger(args[0].value)
      )
        return known(BigInt(args[0].value));
      if (args[0]?.kind === "bool")
        return {
          kind: "int",
          big: true,
          range: { lo: 0n, hi: 1n },
          value: f.b.cast("zext", args[0].value, i64),
        };
      const a = f.int(args[0]!, node.arguments[0]!);
      return {
        kind: "int",
        big: true,
        range: a.range,
        value: carriedAt(f.b, a, a.big ? (bitsFor(a.range, true) ?? 128) : 64),
      };
    },
  ],
  [
    "Number",
    (f, node, args) => {
      if (
        args[0]?.kind === "known" &&
        (typeof args[0].value === "bigint" || typeof args[0].value === "boolean")
      )
        return known(Number(args[0].value));
      if (args[0]?.kind === "bool")
        return {
          kind: "int",
          big: false,
          range: { lo: 0n, hi: 1n },
          value: f.b.cast("zext", args[0].value, i32),
        };
      const a = f.int(args[0]!, node.arguments[0]!);
      if (!I.contains(I.safeNumber, a.range))
        f.refuse("may-not-fit", node.arguments[0]!, { range: I.show(a.range), type: "number" });
      return {
        kind: "int",
        big: false,
        range: a.range,
        value: carriedAt(f.b, a, bitsFor(a.range, false) ?? 64),
      };
    },
  ],
]);

/** Lowers a call of a global; what is not listed is refused. */
export function lowerGlobalCall(f: FunctionLowering, name: string, node: ts.CallExpression): Operand {
  const lower = globals.get(name);
  if (lower === undefined) return f.refuse("global", node.expression, { name });
  const args = node.arguments.map((argument) => f.expression(argument));
  if (args.length === 0) return f.refuse("missing-argument", node, { name: "value" });
  return lower(f, node, args);
}
