/** Feature: blocks, which have names of their own, the empty statement, and declarations of types. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

function scopes(a: u8): u32 {
  const x = a;
  let sum: u32 = x;
  {
    const x = a * 2;
    sum += x;
    {
      let x: u32 = 7;
      x += sum;
      sum = u32(x * 3);
    }
  }
  {
    const x = 5;
    sum = u32(sum + x);
  }
  return u32(sum + x);
}
function empty(a: u8): u32 {
  type Width = u8;
  interface Pair {
    readonly one: Width;
    readonly two: Width;
  }
  const pair: Pair = { one: a, two: 3 };
  let i = 0;
  for (; i < pair.one; i++);
  return u32(i * pair.two);
}

export const program: Program = {
  name: "block",
  entries: [
    { symbol: "scopes", fn: scopes, params: [u8], result: u32 },
    { symbol: "empty", fn: empty, params: [u8], result: u32 },
  ],
};
