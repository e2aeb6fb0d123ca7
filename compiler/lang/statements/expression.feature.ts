/** Feature: expressions for their effect: assignment, compound assignment, steps, calls; each target computed once. */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const words = storage("expression.words", array(u32, 16));
const cells = storage(
  "expression.cells",
  array(struct("ExpressionCell", { n: u32, big: u64, data: array(u8, 8) }), 3),
);
const counter = storage("expression.counter", struct("ExpressionCounter", { calls: u32 }));

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
function everyBig(a: u64, b: u8): u64 {
  let x = a & 0xffffn;
  x += BigInt(b);
  x -= 3n;
  x *= a;
  x /= 7n;
  x %= 0xffff_ffffn;
  x ^= a;
  x |= 1n;
  x &= 0x7fff_ffff_ffffn;
  x <<= 3n;
  x >>= BigInt(b & 7);
  x++;
  --x;
  return u64(x);
}
function next(): u32 {
  counter.calls = u32(counter.calls + 1);
  return counter.calls;
}
function once(v: u8): u32 {
  counter.calls = 0;
  words[next() & 7] = 5;
  words[next() & 7]! &= 0xffff;
  words[next() & 7]! %= 7;
  cells[next() % 3]!.data[next() & 7]! ^= v;
  words[next() & 7]! >>>= 1;
  cells[next() % 3]!.n >>>= v & 1;
  cells[next() % 3]!.big >>= 1n;
  return u32(counter.calls * 1000 + words[2]! + words[4]!);
}
/** The right side is evaluated after the target's index, and before the store. */
function order(i: u8): u32 {
  counter.calls = i & 3;
  words[counter.calls] = u32(next() + next() * 16);
  return words[i & 3]!;
}
function called(i: u8): u32 {
  counter.calls = i;
  next();
  for (let a = 0, b = 9; a < b; a++, b--) next();
  return counter.calls;
}

export const program: Program = {
  name: "expression",
  entries: [
    { symbol: "compound", fn: compound, params: [u32, u8], result: u32 },
    { symbol: "every", fn: every, params: [i32, u8], result: i32 },
    { symbol: "everyBig", fn: everyBig, params: [u64, u8], result: u64 },
    { symbol: "once", fn: once, params: [u8], result: u32 },
    { symbol: "order", fn: order, params: [u8], result: u32 },
    { symbol: "called", fn: called, params: [u8], result: u32 },
  ],
};
