/** Feature: conversions of integers: truncating and checked. */
import { i32, i64, u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

function narrow(a: u64): u8 {
  return u8(a);
}
function narrowSigned(a: i64): i32 {
  return i32(a);
}
function toU16(a: i32): u16 {
  return u16(a);
}
function toU32(a: i32): u32 {
  return u32(a);
}
function toI32(a: u32): i32 {
  return i32(a);
}
function sign(a: u64): i64 {
  return i64(a);
}
function unsign(a: i64): u64 {
  return u64(a);
}
function checked(a: u32): u8 {
  return u8.checked(a);
}
function checkedSigned(a: i64): i32 {
  return i32.checked(a);
}
function checkedWide(a: i64): u64 {
  return u64.checked(a);
}
function far(a: u32, b: u32): u8 {
  return u8(a * 512 + b);
}

const many: number = 70_000;
const negative: bigint = -3n;
/** What the build knows is converted by it. */
function folded(a: u32): u64 {
  const wide = u64(negative) + i64(negative) + BigInt(i32(0x8000_0000));
  return u64(BigInt(u8(many)) + BigInt(u16(negative)) * 1000n + wide + BigInt(a));
}

export const program: Program = {
  name: "conversion",
  entries: [
    { symbol: "narrow", fn: narrow, params: [u64], result: u8 },
    { symbol: "narrowSigned", fn: narrowSigned, params: [i64], result: i32 },
    { symbol: "toU16", fn: toU16, params: [i32], result: u16 },
    { symbol: "toU32", fn: toU32, params: [i32], result: u32 },
    { symbol: "toI32", fn: toI32, params: [u32], result: i32 },
    { symbol: "sign", fn: sign, params: [u64], result: i64 },
    { symbol: "unsign", fn: unsign, params: [i64], result: u64 },
    { symbol: "checked", fn: checked, params: [u32], result: u8 },
    { symbol: "checkedSigned", fn: checkedSigned, params: [i64], result: i32 },
    { symbol: "checkedWide", fn: checkedWide, params: [i64], result: u64 },
    { symbol: "far", fn: far, params: [u32, u32], result: u8 },
    { symbol: "folded", fn: folded, params: [u32], result: u64 },
  ],
};
