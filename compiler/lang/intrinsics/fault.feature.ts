/** Feature: `trap`, `assert`, and paths that end. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import { assert, idiv, trap } from "../../../dsl/core/intrinsics.ts";
import type { Program } from "../../../dsl/core/program.ts";

function stop(x: u32): never {
  if (x > 5) trap("more than five");
  trap("at most five");
}
function quotient(a: u32, b: u32): u32 {
  if (b === 0) trap("nothing to divide by");
  return idiv(a, b);
}
function asserted(x: u32): u8 {
  assert(x < 200, "x is small");
  return u8(x);
}
function sometimes(x: u8): u8 {
  const y = x < 250 ? x : stop(x);
  return u8(y + 1);
}
function exhausted(x: u8): u8 {
  switch (x & 1) {
    case 0:
      return 4;
    case 1:
      return 5;
    default:
      return stop(x);
  }
}

export const program: Program = {
  name: "fault",
  entries: [
    { symbol: "quotient", fn: quotient, params: [u32, u32], result: u32 },
    { symbol: "asserted", fn: asserted, params: [u32], result: u8 },
    { symbol: "sometimes", fn: sometimes, params: [u8], result: u8 },
    { symbol: "exhausted", fn: exhausted, params: [u8], result: u8 },
  ],
};
