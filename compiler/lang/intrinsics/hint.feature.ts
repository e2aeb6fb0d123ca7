/** Feature: `unlikely` and `weighed`, as conditions and as values. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import { unlikely, weighed } from "../../../dsl/core/intrinsics.ts";
import { bool } from "../../../dsl/core/layout.ts";
import type { Program } from "../../../dsl/core/program.ts";

const on: boolean = true;

function condition(a: u32, b: u32): u32 {
  if (unlikely(a === b)) return 1;
  if (unlikely(a > 1000 || b < 9) && !unlikely(b === 3)) return a > 1000 ? u32(a - 1000) : 2;
  return unlikely(a === 0) ? 3 : a;
}
function value(a: u8): boolean {
  const rare = unlikely(a > 100);
  const frequent = weighed(a > 9, 20, 1);
  return (rare !== unlikely(on)) === frequent;
}
const rows = Object.freeze([
  Object.freeze({ code: 7, weight: 50, rest: 11, answer: 1 }),
  Object.freeze({ code: 300, weight: 10, rest: 1, answer: 2 }),
  Object.freeze({ code: 8, weight: 1, rest: 0, answer: 3 }),
]);
function tree(code: u32): u8 {
  for (const row of rows) if (weighed(code === row.code, row.weight, row.rest)) return row.answer;
  return weighed(code > 1000, 1, 2) ? 4 : 5;
}

export const program: Program = {
  name: "hint",
  entries: [
    { symbol: "condition", fn: condition, params: [u32, u32], result: u32 },
    { symbol: "value", fn: value, params: [u8], result: bool },
    { symbol: "tree", fn: tree, params: [u32], result: u8 },
  ],
};
