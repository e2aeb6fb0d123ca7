/** Feature: `while`, `do` and `for`, nested, with bounds that move. */
import { i32, u16, u32, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

function sum(n: u8): u32 {
  let total: u32 = 0;
  for (let i = 0; i < n; i++) total = u32(total + (u16(i * i) & 0xff));
  return u32(total & 0xffff);
}
function down(n: u8): u32 {
  let total: u32 = 0;
  for (let i: i32 = n; i >= 0; i -= 3) total = u32(Math.imul(total, 3) + i);
  return total;
}
function collatz(n: u16): u32 {
  let x: u32 = n === 0 ? 1 : n;
  let steps: u32 = 0;
  while (x !== 1 && steps < 1000) {
    x = (x & 1) === 0 ? x >>> 1 : u32(x * 3 + 1);
    steps++;
  }
  return steps;
}
function atLeastOnce(n: u8): u8 {
  let x: u8 = n;
  let turns: u8 = 0;
  do {
    x = x >>> 1;
    turns = u8(turns + 1);
    if (turns === 5) continue;
    if (x === 3) break;
  } while (x > 0);
  return turns;
}
/** A bound that the loop itself moves. */
function chase(n: u8): u32 {
  let limit: u32 = n;
  let i: u32 = 0;
  while (i < limit) {
    if ((i & 3) === 1 && limit > 4) limit -= 1;
    i += 1;
  }
  return i * 1000 + limit;
}
function several(n: u8): u32 {
  let lo: u32 = 0;
  let hi: u32 = n;
  for (let i = 0, j = 20; i < j; i++, j -= 2) {
    lo = u32(lo + i);
    hi = u32(hi ^ j);
  }
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if (middle > 17) hi = middle;
    else lo = middle + 1;
  }
  return lo;
}
function endless(n: u8): u32 {
  let i: u32 = n;
  for (;;) {
    i = u32(i + 1);
    if (i % 10 === 0) return i;
    while (true) {
      i = u32(i + 2);
      if (i > 100) break;
    }
  }
}
/** The counter alone grows beyond what its start says. */
function swap(n: u8): u32 {
  let a: u32 = 0;
  let b: u32 = 1;
  for (let i = 0; i < n; i++) {
    const next = u32(a + b);
    a = b;
    b = next;
  }
  return a;
}

export const program: Program = {
  name: "loop",
  entries: [
    { symbol: "sum", fn: sum, params: [u8], result: u32 },
    { symbol: "down", fn: down, params: [u8], result: u32 },
    { symbol: "collatz", fn: collatz, params: [u16], result: u32 },
    { symbol: "atLeastOnce", fn: atLeastOnce, params: [u8], result: u8 },
    { symbol: "chase", fn: chase, params: [u8], result: u32 },
    { symbol: "several", fn: several, params: [u8], result: u32 },
    { symbol: "endless", fn: endless, params: [u8], result: u32 },
    { symbol: "swap", fn: swap, params: [u8], result: u32 },
  ],
};
