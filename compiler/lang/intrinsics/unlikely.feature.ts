/** Feature: `unlikely`, as a condition and as a value. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import { unlikely } from "../../../dsl/core/intrinsics.ts";
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
  return rare !== unlikely(on);
}

export const program: Program = {
  name: "unlikely",
  entries: [
    { symbol: "condition", fn: condition, params: [u32, u32], result: u32 },
    { symbol: "value", fn: value, params: [u8], result: bool },
  ],
};
