/** Feature: comparisons, `&& || !` with their order of evaluation, and `? :`. */
import { i32, u32, u8 } from "../../../dsl/core/int.ts";
import { bool, struct } from "../../../dsl/core/layout.ts";
import { unlikely } from "../../../dsl/core/intrinsics.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const trace = storage("booleans.trace", struct("Trace", { value: u32, flag: bool }));
function note(digit: u8, answer: boolean): boolean {
  trace.value = u32(Math.imul(trace.value, 10) + digit);
  return answer;
}
function order(a: boolean, b: boolean, c: boolean): u32 {
  trace.value = 0;
  if ((note(1, a) && note(2, b)) || !(note(3, c) && !note(4, a))) note(5, a);
  return trace.value;
}
function value(a: i32, b: i32): boolean {
  const less = a < b;
  const both = less && b <= 100;
  return both !== (a >= 0 || less);
}
function stored(a: u32): boolean {
  trace.flag = a > 7 && a !== 9;
  return !trace.flag === a < 100;
}
function chosen(a: i32, b: i32): i32 {
  return a > b ? (a > 1000 ? 1000 : a) : b === 7 ? -1 : b;
}
function nested(a: u8, b: u8): u8 {
  return unlikely(a === b) ? 1 : !(a < b) ? 2 : a + 3 < b ? 3 : 4;
}
function every(a: i32, b: u32): u8 {
  let n: u8 = 0;
  if (a === b) n |= 1;
  if (a !== b) n |= 2;
  if (a <= b) n |= 4;
  if (a >= b) n |= 8;
  if (a > b) n |= 16;
  if (a < b) n |= 32;
  return n;
}

export const program: Program = {
  name: "booleans",
  entries: [
    { symbol: "order", fn: order, params: [bool, bool, bool], result: u32 },
    { symbol: "value", fn: value, params: [i32, i32], result: bool },
    { symbol: "stored", fn: stored, params: [u32], result: bool },
    { symbol: "chosen", fn: chosen, params: [i32, i32], result: i32 },
    { symbol: "nested", fn: nested, params: [u8, u8], result: u8 },
    { symbol: "every", fn: every, params: [i32, u32], result: u8 },
  ],
};
