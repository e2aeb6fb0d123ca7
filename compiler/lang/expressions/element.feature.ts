/** Feature: elements of arrays, of build-time arrays as read-only tables, and of records by name; indices proved and checked. */
import { i32, u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const words = storage("element.words", array(u32, 16));
const grid = storage("element.grid", array(array(u16, 5), 4));
const cells = storage("element.cells", array(struct("ElementCell", { n: u32, data: array(u8, 8) }), 3));
const bytes = Object.freeze(Array.from({ length: 64 }, (_, i) => (i * 37) & 0xff));
const signed = Object.freeze([-1, 100, -32768, 32767]);
const unsigned = Object.freeze([0xffff_ffff, 0, 0x8000_0000]);
const far = Object.freeze([2 ** 40, -5, 2 ** 52]);
const bigs = Object.freeze([0xffff_ffff_ffff_ffffn, 1n, 0x8000_0000_0000_0000n]);
const flags = Object.freeze([true, false, false, true, true]);
const ages = Object.freeze({ young: 3, old: 70 });

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
function wide(i: u64): u32 {
  return words[Number(i & 15n)]!;
}
function byte(i: u32): u8 {
  return bytes[i & 63]!;
}
function checkedByte(i: u8): u8 {
  return bytes[i]!;
}
function short(i: u8): i32 {
  return signed[i & 3]!;
}
function word(i: u8): u32 {
  return i < 3 ? unsigned[i]! : 7;
}
function farther(i: u8): u32 {
  return u32(i < 3 ? far[i]! : 0);
}
function bigger(i: u16): u64 {
  return bigs[i % 3]!;
}
function flag(i: u8): u8 {
  return flags[Math.min(i, 4)]! ? 1 : 2;
}
function literal(i: u8): u8 {
  const local = [3, 1, 4, 1, 5, 9, 2, 6] as const;
  let sum: u8 = 0;
  for (let n = 0; n < 3; n++) sum = u8(sum + local[(i + n) & 7]!);
  return sum;
}
/** A name in brackets is a property. */
function named(i: u8): u32 {
  const cell = cells[i % 3]!;
  cell.n = u32(cell["n"] + i);
  return u32(cell["n"] + ages[words.length === 16 ? "old" : "young"]);
}

export const program: Program = {
  name: "element",
  entries: [
    { symbol: "masked", fn: masked, params: [u32, u32], result: u32 },
    { symbol: "checked", fn: checked, params: [i32], result: u32 },
    { symbol: "checkedStore", fn: checkedStore, params: [u32, u8], result: u32 },
    { symbol: "twice", fn: twice, params: [u32], result: u32 },
    { symbol: "inGrid", fn: inGrid, params: [u8, u8, u16], result: u32 },
    { symbol: "wide", fn: wide, params: [u64], result: u32 },
    { symbol: "byte", fn: byte, params: [u32], result: u8 },
    { symbol: "checkedByte", fn: checkedByte, params: [u8], result: u8 },
    { symbol: "short", fn: short, params: [u8], result: i32 },
    { symbol: "word", fn: word, params: [u8], result: u32 },
    { symbol: "farther", fn: farther, params: [u8], result: u32 },
    { symbol: "bigger", fn: bigger, params: [u16], result: u64 },
    { symbol: "flag", fn: flag, params: [u8], result: u8 },
    { symbol: "literal", fn: literal, params: [u8], result: u8 },
    { symbol: "named", fn: named, params: [u8], result: u32 },
  ],
};
