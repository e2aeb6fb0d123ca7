/** Feature: bit operators and shifts on `number`, which see 32 bits. */
import { i32, u32, u8 } from "../../../dsl/core/int.ts";
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

export const program: Program = {
  name: "bitwise",
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
  ],
};
