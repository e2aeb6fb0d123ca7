/** Feature: locals: `let` with and without a type, compound assignment, steps, assignment on every path. */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { bool } from "../../../dsl/core/layout.ts";
import type { Program } from "../../../dsl/core/program.ts";

function compound(a: u32, b: u8): u32 {
  let x: u32 = a >>> 8;
  x += b;
  x *= 2;
  return x;
}
function every(a: i32, b: u8): i32 {
  let x = a & 0xffff;
  x += b;
  x -= 3;
  x *= 2;
  x %= 1000;
  x ^= b;
  x |= 1;
  x &= 0x7fff;
  x <<= b & 7;
  x >>= 2;
  x >>>= 1;
  x++;
  ++x;
  x--;
  return x;
}
function later(flag: boolean, a: u8): u8 {
  let x: u8;
  let seen: boolean;
  if (flag) {
    x = a;
    seen = true;
  } else {
    x = 7;
    seen = a > 9;
  }
  return seen ? x : 0;
}
function parameters(a: u8, b: u64): u64 {
  a = a > 100 ? 100 : a;
  b = u64(b + BigInt(a));
  b >>= 1n;
  return b;
}
function big(a: u64, n: u8): u64 {
  let x = 1n;
  for (let i = 0; i < (n & 7); i++) x = (x * (a & 0xffn)) & 0xffff_ffffn;
  let flags = false;
  if (x > 7n) flags = x > 100n;
  return flags ? u64(x) : 3n;
}
function taught(a: i32): u8 {
  let x: i32 = a;
  if (x < 0 || x > 200) x = 200;
  const y: u8 = u8(x);
  if (x + 5 < 100) return u8(x + 5);
  return y;
}

export const program: Program = {
  name: "variables",
  entries: [
    { symbol: "compound", fn: compound, params: [u32, u8], result: u32 },
    { symbol: "every", fn: every, params: [i32, u8], result: i32 },
    { symbol: "later", fn: later, params: [bool, u8], result: u8 },
    { symbol: "parameters", fn: parameters, params: [u8, u64], result: u64 },
    { symbol: "big", fn: big, params: [u64, u8], result: u64 },
    { symbol: "taught", fn: taught, params: [i32], result: u8 },
  ],
};
