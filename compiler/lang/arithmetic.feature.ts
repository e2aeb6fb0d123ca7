/** Feature: arithmetic is exact: on `number` within ±2^53, on `bigint` up to 128 bits. */
import { i32, i64, u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import type { Program } from "../../dsl/core/program.ts";

function sum(a: u32, b: u32): u32 {
  const wide = a + b;
  return wide > 0xffff_ffff ? u32(wide - 0x1_0000_0000) : wide;
}
function difference(a: i32, b: i32): i32 {
  return i32(a - b);
}
function product(a: u16, b: u16): u32 {
  return a * b;
}
function numberRemainder(a: i32, b: i32): i32 {
  return b === 0 ? 0 : a % b;
}
function numberNegation(a: i32): i32 {
  return i32(-a);
}
function mixed(a: u8, b: i32): i32 {
  return i32(a * 3 - b * 5 + (-a % 7));
}
/** Zeroes have a sign in JavaScript; nothing here may show it. */
function zeroes(a: i32): u8 {
  const z = 0 * -(a & 1);
  return z === 0 ? (-z === 0 ? 1 : 2) : 3;
}
function wide(a: u32, b: u32): u32 {
  const far = a * 1024 + b;
  return u32((far % 3) + (far % 1000));
}
function high(a: u64, b: u64): u64 {
  return u64((a * b) >> 64n);
}
function signedHigh(a: i64, b: i64): i64 {
  return i64((a * b) >> 64n);
}
function average(a: u64, b: u64): u64 {
  return u64((a + b) / 2n);
}
function quotient(a: u64, b: u64): u64 {
  return b === 0n ? 0n : a / b;
}
function signedQuotient(a: i64, b: i64): i64 {
  return b === 0n ? 0n : i64(a / b);
}
function remainder(a: i64, b: i64): i64 {
  return b === 0n ? 0n : a % b;
}
function scaled(a: u64, by: u32, over: u32): u64 {
  return over === 0 ? 0n : u64((a * BigInt(by)) / BigInt(over));
}
function wideRemainder(a: u64, b: u64, c: u64): u64 {
  return c === 0n ? 0n : (a * b) % c;
}
function shifted(a: i64, n: u8): i64 {
  return i64((a << BigInt(n & 31)) >> BigInt(n & 63));
}
function bits(a: i64, b: u64): i64 {
  return i64((a & b) ^ (a | 0xff00n) ^ ~b);
}
function order(a: i64, b: u64): u8 {
  if (a < b) return 1;
  return a > b ? 2 : 3;
}
function wideOrder(a: u64, b: u64, c: u64): u8 {
  return a * b < c * c ? 1 : a * b > c ? 2 : 3;
}
function negation(a: i64): i64 {
  return i64(-a);
}
function ofSums(a: i64, b: i64): i64 {
  const s = a + b;
  return s > 5n ? i64(s - 6n) : s < -5n ? i64(s >> 1n) : i64(s * s);
}

export const program: Program = {
  name: "arithmetic",
  entries: [
    { symbol: "sum", fn: sum, params: [u32, u32], result: u32 },
    { symbol: "difference", fn: difference, params: [i32, i32], result: i32 },
    { symbol: "product", fn: product, params: [u16, u16], result: u32 },
    { symbol: "numberRemainder", fn: numberRemainder, params: [i32, i32], result: i32 },
    { symbol: "numberNegation", fn: numberNegation, params: [i32], result: i32 },
    { symbol: "mixed", fn: mixed, params: [u8, i32], result: i32 },
    { symbol: "zeroes", fn: zeroes, params: [i32], result: u8 },
    { symbol: "wide", fn: wide, params: [u32, u32], result: u32 },
    { symbol: "high", fn: high, params: [u64, u64], result: u64 },
    { symbol: "signedHigh", fn: signedHigh, params: [i64, i64], result: i64 },
    { symbol: "average", fn: average, params: [u64, u64], result: u64 },
    { symbol: "quotient", fn: quotient, params: [u64, u64], result: u64 },
    { symbol: "signedQuotient", fn: signedQuotient, params: [i64, i64], result: i64 },
    { symbol: "remainder", fn: remainder, params: [i64, i64], result: i64 },
    { symbol: "scaled", fn: scaled, params: [u64, u32, u32], result: u64 },
    { symbol: "wideRemainder", fn: wideRemainder, params: [u64, u64, u64], result: u64 },
    { symbol: "shifted", fn: shifted, params: [i64, u8], result: i64 },
    { symbol: "bits", fn: bits, params: [i64, u64], result: i64 },
    { symbol: "order", fn: order, params: [i64, u64], result: u8 },
    { symbol: "wideOrder", fn: wideOrder, params: [u64, u64, u64], result: u8 },
    { symbol: "negation", fn: negation, params: [i64], result: i64 },
    { symbol: "ofSums", fn: ofSums, params: [i64, i64], result: i64 },
  ],
};
