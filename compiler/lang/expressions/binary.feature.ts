/** Feature: binary operators: on `number`, bit operators and shifts see 32 bits; what is known is folded. */
import { i32, u32, u8 } from "../../../dsl/core/int.ts";
import { bool } from "../../../dsl/core/layout.ts";
import type { Program } from "../../../dsl/core/program.ts";

function and(a: u32, b: i32): i32 {
  return a & b;
}
function or(a: u32, b: i32): i32 {
  return a | b;
}
function xor(a: u32, b: i32): i32 {
  return a ^ b;
}
function not(a: u32): i32 {
  return ~a;
}
function left(a: i32, n: u8): i32 {
  return a << (n & 31);
}
function right(a: u32, n: u8): i32 {
  return a >> (n & 31);
}
function unsignedRight(a: i32, n: u8): u32 {
  return a >>> (n & 31);
}
/** Bits beyond 32 are cut before the operation. */
function wide(a: u32, b: u32): i32 {
  return (a * 4096 + b) ^ (b * 65536);
}
function masked(a: u32): u8 {
  return ((a >>> 4) & 0xf) | ((a & 7) << 4);
}
/** An unsigned operand beyond 2^31 turns negative. */
function asSigned(a: u32): u32 {
  const x = a | 0;
  return x < 0 ? 1 : u32(x);
}
function compared(a: i32, b: i32): boolean {
  const less = a < b;
  const both = less && b <= 100;
  return both !== (a >= 0 || less);
}

const shift: number = 5;
const tag: string = "ab";
const settings: { readonly base: u8; readonly extra?: u8 } = Object.freeze({ base: 7 });
function folded(x: u32): u32 {
  const small = ((((shift * 3 - 1) % 4) + (1 << shift) - (-shift >> 1)) ^ (-1 >>> 28)) | 64;
  const big = ((1n << 70n) / 3n - 5n) % 1000n;
  return u32(
    x + (small & 0xfff) + Number((((big * 7n) >> 1n) ^ (big & 15n)) | 256n) + (tag + "c" === "abc" ? 1 : 0),
  );
}
function defaulted(x: u32): u32 {
  return u32(x * (settings.extra ?? settings.base) + (settings.base ?? x));
}

export const program: Program = {
  name: "binary",
  entries: [
    { symbol: "and", fn: and, params: [u32, i32], result: i32 },
    { symbol: "or", fn: or, params: [u32, i32], result: i32 },
    { symbol: "xor", fn: xor, params: [u32, i32], result: i32 },
    { symbol: "not", fn: not, params: [u32], result: i32 },
    { symbol: "left", fn: left, params: [i32, u8], result: i32 },
    { symbol: "right", fn: right, params: [u32, u8], result: i32 },
    { symbol: "unsignedRight", fn: unsignedRight, params: [i32, u8], result: u32 },
    { symbol: "wide", fn: wide, params: [u32, u32], result: i32 },
    { symbol: "masked", fn: masked, params: [u32], result: u8 },
    { symbol: "asSigned", fn: asSigned, params: [u32], result: u32 },
    { symbol: "compared", fn: compared, params: [i32, i32], result: bool },
    { symbol: "folded", fn: folded, params: [u32], result: u32 },
    { symbol: "defaulted", fn: defaulted, params: [u32], result: u32 },
  ],
};
