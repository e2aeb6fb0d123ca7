/** Feature: literals: integers in every notation, truth values, `null`; strings, templates and arrays as build-time data. */
import { i32, i64, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { bool, ref, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const Node = struct("LiteralNode", { value: u32 });
const holder = storage("literal.holder", struct("LiteralHolder", { node: ref(Node) }));
const node = storage("literal.node", Node);
const most: number = 7_000;
const rows = Object.freeze({ row0: 3, row1: 500, row2: 70_000 });

function numbers(a: i32): i32 {
  return i32((a ^ 0x7fff_0001) + 0b1010 - 0o17 + 1_000 + 2e3);
}
function far(a: u32): u32 {
  return u32((a + 9_007_190_000_000_000) % 1_000_003);
}
function bigints(a: u64): i64 {
  return i64((a % 0xffff_ffff_ffff_fff1n) + 0x1_0000_0000_0000_0000n / 3n - 12n);
}
function truth(a: u8): boolean {
  let seen = false;
  if (a > 100) seen = true;
  return seen === (a < 200 === true);
}
function nothing(a: u8): u32 {
  holder.node = a > 9 ? node : null;
  const held = holder.node;
  return held === null ? 1 : u32(held.value + 2);
}
function strings(a: u8): u32 {
  const kind = "row";
  return u32(a * rows[`${kind}${1}`]! + lengthOf(`${kind}-${2n}-${true}`) + lengthOf(`plain`));
}
function lengthOf(text: string): number {
  return text.length;
}
function arrays(a: u8): u32 {
  const table = [1, 10, 100, most] as const;
  return table[a & 3]!;
}

export const program: Program = {
  name: "literal",
  entries: [
    { symbol: "numbers", fn: numbers, params: [i32], result: i32 },
    { symbol: "far", fn: far, params: [u32], result: u32 },
    { symbol: "bigints", fn: bigints, params: [u64], result: i64 },
    { symbol: "truth", fn: truth, params: [u8], result: bool },
    { symbol: "nothing", fn: nothing, params: [u8], result: u32 },
    { symbol: "strings", fn: strings, params: [u8], result: u32 },
    { symbol: "arrays", fn: arrays, params: [u8], result: u32 },
  ],
};
