import type { ts } from "ts-morph";
import { constant } from "../../ir/builder.ts";
import { i128, i32, i64 } from "../../ir/ir.ts";
import { quotient } from "../arithmetic.ts";
import type { FunctionLowering } from "../function.ts";
import { contains, signed, u64Range } from "../interval.ts";
import { carriedAt } from "../numeric.ts";
import type { Int, Operand } from "../operand.ts";
import type { Intrinsic } from "./index.ts";

/** A 64-bit count as a number. */
const counted = (value: Int["value"], lo: bigint, hi: bigint): Int => ({
  kind: "int",
  big: false,
  range: { lo, hi },
  value,
});

/** Index of the highest one bit of a positive integer. */
const highest = (value: bigint): bigint => BigInt(value.toString(2).length - 1);

/** An operand that must be a `u64`. */
function wide(f: FunctionLowering, operand: Operand, node: ts.Node): Int {
  const a = f.int(operand, node);
  if (!a.big) f.refuse("mixed-kinds", node);
  return f.fit(a, u64Range, "u64", node);
}

export const arithmeticIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  [
    "idiv",
    (f, node, nodes, argument) => {
      const a = f.int(argument(0), nodes[0]!);
      const b = f.int(argument(1), nodes[1]!);
      if (a.big || b.big) f.refuse("mixed-kinds", node);
      return quotient(f, "div", a, b, node);
    },
  ],
  [
    "mulHigh",
    (f, _node, nodes, argument) => {
      const a = carriedAt(f.b, wide(f, argument(0), nodes[0]!), 128);
      const b = carriedAt(f.b, wide(f, argument(1), nodes[1]!), 128);
      const high = f.b.binary("lshr", f.b.binary("mul", a, b), constant(i128, 64n));
      return { kind: "int", big: true, range: u64Range, value: f.b.cast("trunc", high, i64) };
    },
  ],
  [
    "popCount",
    (f, _node, nodes, argument) => {
      const a = wide(f, argument(0), nodes[0]!);
      const most = a.range.hi === 0n ? 0n : highest(a.range.hi) + 1n;
      return counted(
        f.b.cast("trunc", f.b.unary("ctpop", carriedAt(f.b, a, 64)), i32),
        a.range.lo > 0n ? 1n : 0n,
        most,
      );
    },
  ],
  [
    "lowestBit",
    (f, _node, nodes, argument) => {
      const a = wide(f, argument(0), nodes[0]!);
      const value = f.b.cast("trunc", f.b.unary("cttz", carriedAt(f.b, a, 64)), i32);
      return counted(value, 0n, a.range.lo > 0n ? highest(a.range.hi) : 64n);
    },
  ],
  [
    "highestBit",
    (f, _node, nodes, argument) => {
      const a = wide(f, argument(0), nodes[0]!);
      const x = carriedAt(f.b, a, 64);
      const index = f.b.binary("sub", constant(i32, 63n), f.b.cast("trunc", f.b.unary("ctlz", x), i32));
      if (a.range.lo > 0n) return counted(index, highest(a.range.lo), highest(a.range.hi));
      return counted(f.b.select(f.b.compare("eq", x, constant(i64, 0n)), constant(i32, 64n), index), 0n, 64n);
    },
  ],
  [
    "signExtend",
    (f, node, nodes, argument) => {
      const a = f.int(argument(0), nodes[0]!);
      const bits = argument(1);
      if (bits.kind !== "known" || (bits.value !== 8 && bits.value !== 16 && bits.value !== 32))
        return f.refuse("not-known", nodes[1] ?? node, { what: "the width of signExtend" });
      const range = signed(bits.value);
      if (contains(range, a.range)) return a;
      const by = constant(i32, BigInt(32 - bits.value));
      return {
        kind: "int",
        big: false,
        range,
        value: f.b.binary("ashr", f.b.binary("shl", carriedAt(f.b, a, 32), by), by),
      };
    },
  ],
];
