/** Feature: patterns: records, structs, build-time data and texts taken apart, in declarations and in parameters. */
import { i32, u16, u32, u8 } from "../../dsl/core/int.ts";
import { array, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Program } from "../../dsl/core/program.ts";

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
function record(a: u32, b: u32): u32 {
  const { lo: low, hi } = sorted(a, b);
  return u32(low * 3 + hi + span({ lo: low, hi }));
}
/** A field that is taken apart is read there, and not again. */
const shape = storage(
  "bind.shape",
  struct("BindShape", { width: u16, inner: struct("BindInner", { n: i32 }), list: array(u8, 4) }),
);
function fields(w: u16, n: i32): i32 {
  shape.width = w;
  shape.inner.n = n;
  const { width, inner, list } = shape;
  const {
    inner: { n: before },
  } = shape;
  shape.width = 7;
  inner.n = 9;
  list[1] = 3;
  return i32(before + width * 2 + inner.n + list[1]!);
}
const settings = Object.freeze({
  size: 3,
  rows: [
    [1, 2],
    [30, 40],
  ],
  "the name": "abc",
});
function data(x: u8): u32 {
  const { size, rows, "the name": name } = settings;
  const [[, second], [third]] = rows as [[number, number], [number, number]];
  return u32(x * size + second * 100 + third + name.length);
}
function changed(x: u8): u32 {
  let { lo, hi } = sorted(x, 40);
  lo = u32(lo + 1);
  if (hi > 100) hi = 100;
  return u32(lo * 1000 + hi);
}

export const program: Program = {
  name: "bind",
  entries: [
    { symbol: "record", fn: record, params: [u32, u32], result: u32 },
    { symbol: "fields", fn: fields, params: [u16, i32], result: i32 },
    { symbol: "data", fn: data, params: [u8], result: u32 },
    { symbol: "changed", fn: changed, params: [u8], result: u32 },
  ],
};
