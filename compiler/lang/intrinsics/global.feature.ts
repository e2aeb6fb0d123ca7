/** Feature: the globals of JavaScript that a compiled body may call: of `Math`, and between `number` and `bigint`. */
import { i32, i64, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { bool } from "../../../dsl/core/layout.ts";
import type { Program } from "../../../dsl/core/program.ts";

const most: number = 12;

function math(a: i32, b: u32): i32 {
  return i32(Math.min(a, b) + Math.max(a, 5) * 3 + Math.abs(a) + Math.clz32(b) + Math.imul(a, b));
}
function wide(a: u32, b: i32): u32 {
  const far = a * 1024 - b;
  return u32(Math.abs(far) + Math.min(far, a) + Math.max(far, b) + Math.clz32(a * 4096 + 1));
}
function clamped(x: u32): u8 {
  return Math.min(x, 255);
}
function folded(x: u8): u32 {
  return u32(x + Math.min(most, 40) + Math.max(most, 40, 7) + Number(BigInt(most) << 3n) + Number(most > 3));
}
function widen(a: i32): i64 {
  return BigInt(a);
}
function widenFlag(a: boolean): u64 {
  return u64(BigInt(a) + BigInt(Number(a)));
}
function low(a: u64): u32 {
  return Number(a & 0xffff_ffffn);
}

export const program: Program = {
  name: "global",
  entries: [
    { symbol: "math", fn: math, params: [i32, u32], result: i32 },
    { symbol: "wide", fn: wide, params: [u32, i32], result: u32 },
    { symbol: "clamped", fn: clamped, params: [u32], result: u8 },
    { symbol: "folded", fn: folded, params: [u8], result: u32 },
    { symbol: "widen", fn: widen, params: [i32], result: i64 },
    { symbol: "widenFlag", fn: widenFlag, params: [bool], result: u64 },
    { symbol: "low", fn: low, params: [u64], result: u32 },
  ],
};
