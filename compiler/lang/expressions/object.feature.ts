/** Feature: object literals: by-value records, returned, passed, kept in a `let`; build-time data where all is known. */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

interface Pair {
  readonly lo: u32;
  readonly hi: u32;
}
function sorted(a: u32, b: u32): Pair {
  if (a < b) return { lo: a, hi: b };
  return { lo: b, hi: a };
}
function span({ lo, hi }: Pair): u32 {
  return u32(hi - lo);
}
function passed(a: u32, b: u32): u32 {
  return span(sorted(a, b));
}
function kept(a: u32, n: u8): u32 {
  let best: Pair = { lo: 0, hi: 0 };
  for (let i = 0; i < n; i++) {
    const next = sorted(u32(a + i), u32(a ^ i));
    if (span(next) > span(best)) best = next;
    else best = { lo: best.lo, hi: u32(best.hi + 1) };
  }
  return u32(best.lo * 7 + best.hi);
}
function nested(a: u8, b: i32): u64 {
  const inner = { flag: a > b, pair: sorted(a, u32(b)) };
  const outer = { inner, big: BigInt(a) };
  return outer.inner.flag ? outer.big : BigInt(outer.inner.pair.hi);
}
function scaled(
  x: u32,
  { by, text, of }: { readonly by: u8; readonly text: string; readonly of: readonly u8[] },
): u32 {
  let sum: u32 = text.length;
  for (const n of of) sum = u32(sum + n * by + x);
  return sum;
}
function data(x: u32): u32 {
  const by = 3;
  return u32(scaled(x, { by, text: "abc", of: [1, 2, 3] }) ^ scaled(x, { by: 5, text: "", of: [9] }));
}

export const program: Program = {
  name: "object",
  entries: [
    { symbol: "passed", fn: passed, params: [u32, u32], result: u32 },
    { symbol: "kept", fn: kept, params: [u32, u8], result: u32 },
    { symbol: "nested", fn: nested, params: [u8, i32], result: u64 },
    { symbol: "data", fn: data, params: [u32], result: u32 },
  ],
};
