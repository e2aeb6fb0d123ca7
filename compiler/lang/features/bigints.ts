/** Feature: `bigint` arithmetic, exact up to 128 bits. */
import { i64, u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

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
  name: "bigints",
  entries: [
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
