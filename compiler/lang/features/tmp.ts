import { u16, u32 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";
function g(x: u32): u16 { return ((x >>> 16) & 0xff) + 1; }
function f(n: u32, m: u32): u32 {
  let acc: u32 = 0;
  for (let i = 0; i < 8; i++) {
    if (i >= m) break;
    const pins = g(n);
    for (let pin = 0; pin < 240; pin++) {
      if (pin >= pins) break;
      acc = u32(acc + 16 + 2 * pin);
    }
  }
  return acc;
}
export const program: Program = { name: "t", entries: [{ symbol: "f", fn: f, params: [u32, u32], result: u32 }] };
