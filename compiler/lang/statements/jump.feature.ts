/** Feature: `break` and `continue`, with labels and without, out of loops, unrolled loops and `switch`. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

const rows = Object.freeze([{ weights: [1, 2, 3] }, { weights: [] }, { weights: [10] }]);

function labels(n: u8, m: u8): u32 {
  let seen: u32 = 0;
  outer: for (let a = 0; a < n; a++) {
    inner: for (let b = 0; ; b++) {
      if (b > 5) break;
      if (a * b === m) break outer;
      if (b === a) continue outer;
      for (let c = 0; c < 3; c++) {
        if (c + b === 4) continue inner;
        seen = u32(Math.imul(seen, 7) + c);
      }
    }
    seen = u32(seen + 1000);
  }
  return seen;
}
function unrolled(x: u8): u32 {
  let n: u32 = 0;
  outer: for (const row of rows) {
    for (const w of row.weights) {
      if (w > x) continue outer;
      if (w + x === 20) break outer;
      n = u32(n + w);
    }
    n = u32(n + 100);
  }
  return n;
}
/** `break` belongs to the `switch`, `continue` and a label to the loop around it. */
function switched(x: u8): u32 {
  let n: u32 = 0;
  loop: for (let i = 0; i < 12; i++) {
    switch ((i + x) & 3) {
      case 0:
        break;
      case 1:
        continue;
      case 2:
        if (i > 8) break loop;
        n = u32(n + 10);
        break;
      default:
        if (x === 5) continue loop;
        n = u32(n * 3);
    }
    n = u32(n + 1);
  }
  return n;
}
function tested(x: u8): u32 {
  let n: u32 = x;
  let turns: u32 = 0;
  again: do {
    turns = u32(turns + 1);
    while (n > 3) {
      n = n >>> 1;
      if ((n & 3) === 2) continue again;
      if (turns > 4) break again;
    }
    n += 1;
  } while (turns < 9);
  return u32(turns * 256 + n);
}

export const program: Program = {
  name: "jump",
  entries: [
    { symbol: "labels", fn: labels, params: [u8, u8], result: u32 },
    { symbol: "unrolled", fn: unrolled, params: [u8], result: u32 },
    { symbol: "switched", fn: switched, params: [u8], result: u32 },
    { symbol: "tested", fn: tested, params: [u8], result: u32 },
  ],
};
