/** Feature: arrays: proved and checked indices, arrays of arrays and structs, compound assignment evaluated once. */
import { i32, u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const words = storage("arrays.words", array(u32, 16));
const grid = storage("arrays.grid", array(array(u16, 5), 4));
const cells = storage("arrays.cells", array(struct("ArrayCell", { n: u32, data: array(u8, 8) }), 3));
const counter = storage("arrays.counter", struct("ArrayCounter", { calls: u32 }));

function masked(i: u32, v: u32): u32 {
  words[i & 15] = v;
  words[(i + 1) & 15] = u32(v ^ i);
  return u32(words[i & 15]! + words[(i + 2) & 15]!);
}
function checked(i: i32): u32 {
  return words[i]!;
}
function checkedStore(i: u32, v: u8): u32 {
  cells[2]!.data[i] = v;
  return cells[2]!.data[i]!;
}
/** After a check the index is known. */
function twice(i: u32): u32 {
  const a = words[i]!;
  words[i] = u32(a + 1);
  return i;
}
function inGrid(i: u8, j: u8, v: u16): u32 {
  if (i >= 4 || j >= 5) return 0;
  grid[i]![j] = v;
  let sum: u32 = 0;
  for (let a = 0; a < 4; a++) for (let b = 0; b < 5; b++) sum = u32(sum * 3 + grid[a]![b]!);
  return sum;
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
  return u32(counter.calls * 1000 + words[2]! + words[4]!);
}
function length(): u32 {
  return words.length + grid.length * 100 + grid[1]!.length * 1000;
}
function wide(i: u64): u32 {
  return words[Number(i & 15n)]!;
}
/** The right side is evaluated after the target's index, and before the store. */
function order(i: u8): u32 {
  counter.calls = i & 3;
  words[counter.calls] = u32(next() + next() * 16);
  return words[i & 3]!;
}

export const program: Program = {
  name: "arrays",
  entries: [
    { symbol: "masked", fn: masked, params: [u32, u32], result: u32 },
    { symbol: "checked", fn: checked, params: [i32], result: u32 },
    { symbol: "checkedStore", fn: checkedStore, params: [u32, u8], result: u32 },
    { symbol: "twice", fn: twice, params: [u32], result: u32 },
    { symbol: "inGrid", fn: inGrid, params: [u8, u8, u16], result: u32 },
    { symbol: "once", fn: once, params: [u8], result: u32 },
    { symbol: "length", fn: length, params: [], result: u32 },
    { symbol: "wide", fn: wide, params: [u64], result: u32 },
    { symbol: "order", fn: order, params: [u8], result: u32 },
  ],
};
