import { constant } from "../../ir/builder.ts";
import { i32, i64 } from "../../ir/ir.ts";
import { quotient } from "../arithmetic.ts";
import { operandOf } from "../known.ts";
import { contains, signed } from "../interval.ts";
import { carriedAt } from "../numeric.ts";
import type { Int } from "../operand.ts";
import { known } from "../operand.ts";
import type { Intrinsic } from "./index.ts";

/** A 64-bit count as a number from 0 to 64. */
const counted = (value: Int["value"], lo = 0n): Int => ({ kind: "int", big: false, range: { lo, hi: 64n }, value });

export const arithmeticIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  ["idiv", (f, node, nodes, argument) => {
    const a = f.int(argument(0), nodes[0]!);
    const b = f.int(argument(1), nodes[1]!);
    if (a.big || b.big) f.refuse("mixed-kinds", node);
    return quotient(f, "div", a, b, node);
  }],
  ["mulHigh", (f, _node, nodes, argument) => {
    const a = carriedAt(f.b, f.int(argument(0), nodes[0]!), 128);
    const b = carriedAt(f.b, f.int(argument(1), nodes[1]!), 128);
    const high = f.b.binary("lshr", f.b.binary("mul", a, b), constant({ kind: "int", bits: 128 }, 64n));
    return { kind: "int", big: true, range: { lo: 0n, hi: (1n << 64n) - 1n }, value: f.b.cast("trunc", high, i64) };
  }],
  ["popCount", (f, _node, nodes, argument) => counted(f.b.cast("trunc", f.b.unary("ctpop", carriedAt(f.b, f.int(argument(0), nodes[0]!), 64)), i32))],
  ["lowestBit", (f, _node, nodes, argument) => counted(f.b.cast("trunc", f.b.unary("cttz", carriedAt(f.b, f.int(argument(0), nodes[0]!), 64)), i32))],
  ["highestBit", (f, _node, nodes, argument) => {
    const x = carriedAt(f.b, f.int(argument(0), nodes[0]!), 64);
    const zeros = f.b.cast("trunc", f.b.unary("ctlz", x), i32);
    const index = f.b.binary("sub", constant(i32, 63n), zeros);
    return counted(f.b.select(f.b.compare("eq", x, constant(i64, 0n)), constant(i32, 64n), index));
  }],
  ["signExtend", (f, node, nodes, argument) => {
    const a = f.int(argument(0), nodes[0]!);
    const bits = argument(1);
    if (bits.kind !== "known" || (bits.value !== 8 && bits.value !== 16 && bits.value !== 32)) return f.refuse("not-known", nodes[1] ?? node, { what: "the width of signExtend" });
    const range = signed(bits.value);
    if (contains(range, a.range)) return a;
    const by = constant(i32, BigInt(32 - bits.value));
    return { kind: "int", big: false, range, value: f.b.binary("ashr", f.b.binary("shl", carriedAt(f.b, a, 32), by), by) };
  }],
  ["text", (f, node, nodes, argument) => {
    const value = argument(0);
    if (value.kind !== "known" || typeof value.value !== "string") return f.refuse("not-known", nodes[0] ?? node, { what: "the string of text" });
    return operandOf(f, f.front.core.intrinsics.text(value.value), node);
  }],
  ["unlikely", (_f, _node, _nodes, argument) => {
    const value = argument(0);
    return value.kind === "known" ? known(value.value) : value;
  }],
];
