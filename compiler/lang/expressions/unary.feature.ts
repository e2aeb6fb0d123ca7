/** Feature: `!`, `-`, `~` and `+` in front of an expression, on values and on what is known. */
import { i32, i64, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { bool } from "../../../dsl/core/layout.ts";
import type { Program } from "../../../dsl/core/program.ts";

const step: number = 6;
const mask: bigint = 0xf0n;

function not(a: boolean, b: u8): boolean {
  const odd = !((b & 1) === 0);
  return !a !== !odd;
}
function minus(a: i32, b: u8): i32 {
  return i32(-a + -b - -3);
}
function minusBig(a: i64): i64 {
  return i64(-a);
}
/** The least `i64` has no negation of its own width. */
function negated(a: i64, b: u64): u64 {
  return u64((-a * 3n - -BigInt(b)) >> 2n);
}
function complement(a: u32, b: i32): i32 {
  return ~a ^ (~b & 0xff);
}
/** Of what is below 2^8, the complement is within an i32. */
function complementNarrow(a: u8): i32 {
  return ~a * 1000;
}
/** Beyond 32 bits, `~` sees the low ones. */
function complementWide(a: u32): i32 {
  return ~(a * 4096 + 7);
}
function complementBig(a: i64, b: u64): i64 {
  return i64(~a ^ (~b & 0xffff_ffffn));
}
function plus(a: u32): u32 {
  return +a;
}
function folded(a: u32): u32 {
  return u32(a + (-step & 0xff) + (~step & 0xff) + Number(-mask & 0xfffn) + Number(~mask & 0xfffn));
}

export const program: Program = {
  name: "unary",
  entries: [
    { symbol: "not", fn: not, params: [bool, u8], result: bool },
    { symbol: "minus", fn: minus, params: [i32, u8], result: i32 },
    { symbol: "minusBig", fn: minusBig, params: [i64], result: i64 },
    { symbol: "negated", fn: negated, params: [i64, u64], result: u64 },
    { symbol: "complement", fn: complement, params: [u32, i32], result: i32 },
    { symbol: "complementNarrow", fn: complementNarrow, params: [u8], result: i32 },
    { symbol: "complementWide", fn: complementWide, params: [u32], result: i32 },
    { symbol: "complementBig", fn: complementBig, params: [i64, u64], result: i64 },
    { symbol: "plus", fn: plus, params: [u32], result: u32 },
    { symbol: "folded", fn: folded, params: [u32], result: u32 },
  ],
};
