/** Feature: arithmetic without a notation: integer division, bit counts, products, signs. */
import { i32, u32, u64 } from "../../../dsl/core/int.ts";
import { highestBit, idiv, lowestBit, mulHigh, popCount, signExtend } from "../../../dsl/core/intrinsics.ts";
import type { Program } from "../../../dsl/core/program.ts";

function counts(x: u64): u32 {
  return popCount(x) + lowestBit(x) * 100 + highestBit(x) * 10000;
}
function ofPositive(x: u64): u32 {
  return x === 0n ? 7 : lowestBit(x) * 100 + highestBit(x);
}
function high(a: u64, b: u64): u64 {
  return mulHigh(a, b);
}
function signs(x: u32): i32 {
  return i32(signExtend(x, 8) + signExtend(x, 16) * 3 + signExtend(x, 32));
}
function quotient(a: i32, b: i32): i32 {
  return b === 0 ? 0 : i32(idiv(a, b));
}
function unsignedQuotient(a: u32, b: u32): u32 {
  return b === 0 ? 0 : idiv(a, b);
}
function wideQuotient(a: u32, b: u32): u32 {
  return u32(idiv(a * 1024 + b, 3));
}

export const program: Program = {
  name: "bits",
  entries: [
    { symbol: "counts", fn: counts, params: [u64], result: u32 },
    { symbol: "ofPositive", fn: ofPositive, params: [u64], result: u32 },
    { symbol: "high", fn: high, params: [u64, u64], result: u64 },
    { symbol: "signs", fn: signs, params: [u32], result: i32 },
    { symbol: "quotient", fn: quotient, params: [i32, i32], result: i32 },
    { symbol: "unsignedQuotient", fn: unsignedQuotient, params: [u32, u32], result: u32 },
    { symbol: "wideQuotient", fn: wideQuotient, params: [u32, u32], result: u32 },
  ],
};
