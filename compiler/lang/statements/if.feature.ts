/** Feature: `if` with and without `else`, chains of it, what each side knows, and what is known where they meet. */
import { i32, u32, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

const verbose: boolean = false;

function chain(a: i32): u8 {
  if (a < -1000) return 1;
  else if (a < 0) return u8(2 + (a & 1));
  else if (a < 256) return u8(a);
  return 9;
}
function joined(a: u32, b: u32): u32 {
  let x: u32 = a;
  if (x > 200) x = 200;
  let y: u32 = 5;
  if (b > 7) {
    y = 17;
    if (b === 8) y = x;
  } else y += x;
  const index: u8 = u8.checked(x);
  return u32(index * 1000 + y);
}
function ends(a: u8): u32 {
  if (a > 9) {
    if (a > 99) return 1;
    else return 2;
  } else if (a !== 4) return 3;
  return 4;
}
/** What the build knows is not compiled. */
function decided(a: u8): u32 {
  if (verbose) return (a as unknown as { readonly missing: u32 }).missing;
  if (a >= 0 && a < 256) return a;
  return 1;
}

export const program: Program = {
  name: "if",
  entries: [
    { symbol: "chain", fn: chain, params: [i32], result: u8 },
    { symbol: "joined", fn: joined, params: [u32, u32], result: u32 },
    { symbol: "ends", fn: ends, params: [u8], result: u32 },
    { symbol: "decided", fn: decided, params: [u8], result: u32 },
  ],
};
