/** Feature: exact arithmetic on `number`: `+ - * %`, negation, and `idiv`. */
import { i32, u16, u32, u8 } from "../../../dsl/core/int.ts";
import { idiv } from "../../../dsl/core/intrinsics.ts";
import type { Program } from "../../../dsl/core/program.ts";

function sum(a: u32, b: u32): u32 {
  const wide = a + b;
  return wide > 0xffff_ffff ? u32(wide - 0x1_0000_0000) : wide;
}
function difference(a: i32, b: i32): i32 {
  return i32(a - b);
}
function product(a: u16, b: u16): u32 {
  return a * b;
}
function remainder(a: i32, b: i32): i32 {
  return b === 0 ? 0 : a % b;
}
function quotient(a: i32, b: i32): i32 {
  return b === 0 ? 0 : i32(idiv(a, b));
}
function unsignedQuotient(a: u32, b: u32): u32 {
  return b === 0 ? 0 : idiv(a, b);
}
function negation(a: i32): i32 {
  return i32(-a);
}
function mixed(a: u8, b: i32): i32 {
  return i32(a * 3 - b * 5 + (-a % 7));
}
/** Zeroes have a sign in JavaScript; nothing here may show it. */
function zeroes(a: i32): u8 {
  const z = 0 * -(a & 1);
  return z === 0 ? (-z === 0 ? 1 : 2) : 3;
}
function wide(a: u32, b: u32): u32 {
  const far = a * 1024 + b;
  return u32(idiv(far, 3) + (far % 1000));
}

export const program: Program = {
  name: "arithmetic",
  entries: [
    { symbol: "sum", fn: sum, params: [u32, u32], result: u32 },
    { symbol: "difference", fn: difference, params: [i32, i32], result: i32 },
    { symbol: "product", fn: product, params: [u16, u16], result: u32 },
    { symbol: "remainder", fn: remainder, params: [i32, i32], result: i32 },
    { symbol: "quotient", fn: quotient, params: [i32, i32], result: i32 },
    { symbol: "unsignedQuotient", fn: unsignedQuotient, params: [u32, u32], result: u32 },
    { symbol: "negation", fn: negation, params: [i32], result: i32 },
    { symbol: "mixed", fn: mixed, params: [u8, i32], result: i32 },
    { symbol: "zeroes", fn: zeroes, params: [i32], result: u8 },
    { symbol: "wide", fn: wide, params: [u32, u32], result: u32 },
  ],
};
