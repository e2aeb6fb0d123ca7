/** Feature: build-time arrays indexed at run time become read-only tables. */
import { i32, u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

const bytes = Object.freeze(Array.from({ length: 64 }, (_, i) => (i * 37) & 0xff));
const signed = Object.freeze([-1, 100, -32768, 32767]);
const wide = Object.freeze([0xffff_ffff, 0, 0x8000_0000]);
const far = Object.freeze([2 ** 40, -5, 2 ** 52]);
const bigs = Object.freeze([0xffff_ffff_ffff_ffffn, 1n, 0x8000_0000_0000_0000n]);
const flags = Object.freeze([true, false, false, true, true]);

function byte(i: u32): u8 {
  return bytes[i & 63]!;
}
function checked(i: u8): u8 {
  return bytes[i]!;
}
function short(i: u8): i32 {
  return signed[i & 3]!;
}
function word(i: u8): u32 {
  return i < 3 ? wide[i]! : 7;
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

export const program: Program = {
  name: "tables",
  entries: [
    { symbol: "byte", fn: byte, params: [u32], result: u8 },
    { symbol: "checked", fn: checked, params: [u8], result: u8 },
    { symbol: "short", fn: short, params: [u8], result: i32 },
    { symbol: "word", fn: word, params: [u8], result: u32 },
    { symbol: "farther", fn: farther, params: [u8], result: u32 },
    { symbol: "bigger", fn: bigger, params: [u16], result: u64 },
    { symbol: "flag", fn: flag, params: [u8], result: u8 },
    { symbol: "literal", fn: literal, params: [u8], result: u8 },
  ],
};
