/** Feature: arithmetic directly under `u64(…)` and `i64(…)` wraps at 64 bits. */
import { i64, u64, u8 } from "../../dsl/core/int.ts";
import type { Program } from "../../dsl/core/program.ts";

function ring(a: u64, b: u64, c: u64): u64 {
  return u64(a * b - c * c + (a ^ b) - 1n);
}
function signedRing(a: i64, b: u64): i64 {
  return i64(a * a * b - (b << 3n) - a);
}
function shifts(a: u64, n: u8): u64 {
  return u64((a << BigInt(n & 63)) | (a >> BigInt(63 - (n & 63))));
}
function negation(a: u64): u64 {
  return u64(-a);
}
function complement(a: u64): u64 {
  return u64(~a & 0xffff_0000n);
}
function mask(a: u64, b: u64): u64 {
  return u64((a - b) & 0xffffn);
}
function chain(a: u64, b: u64): u64 {
  const d = u64(a - b);
  return d > 0x8000_0000_0000_0000n ? u64(-d) : d;
}
/** What stands under another operator is exact before it wraps. */
function carry(a: u64, b: u64): u64 {
  return u64((a + b) >> 64n);
}

export const program: Program = {
  name: "wrapping",
  entries: [
    { symbol: "ring", fn: ring, params: [u64, u64, u64], result: u64 },
    { symbol: "signedRing", fn: signedRing, params: [i64, u64], result: i64 },
    { symbol: "shifts", fn: shifts, params: [u64, u8], result: u64 },
    { symbol: "negation", fn: negation, params: [u64], result: u64 },
    { symbol: "complement", fn: complement, params: [u64], result: u64 },
    { symbol: "mask", fn: mask, params: [u64, u64], result: u64 },
    { symbol: "chain", fn: chain, params: [u64, u64], result: u64 },
    { symbol: "carry", fn: carry, params: [u64, u64], result: u64 },
  ],
};
