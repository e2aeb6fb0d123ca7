/** Feature: operations without a notation: bit counts, products, signs, and `Math`. */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { highestBit, lowestBit, mulHigh, popCount, signExtend } from "../../../dsl/core/intrinsics.ts";
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
function math(a: i32, b: u32): i32 {
  return i32(Math.min(a, b) + Math.max(a, 5) * 3 + Math.abs(a) + Math.clz32(b) + Math.imul(a, b));
}
function clamped(x: u32): u8 {
  return Math.min(x, 255);
}

export const program: Program = {
  name: "operations",
  entries: [
    { symbol: "counts", fn: counts, params: [u64], result: u32 },
    { symbol: "ofPositive", fn: ofPositive, params: [u64], result: u32 },
    { symbol: "high", fn: high, params: [u64, u64], result: u64 },
    { symbol: "signs", fn: signs, params: [u32], result: i32 },
    { symbol: "math", fn: math, params: [i32, u32], result: i32 },
    { symbol: "clamped", fn: clamped, params: [u32], result: u8 },
  ],
};
