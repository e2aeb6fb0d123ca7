/** Feature: `for…of` over build-time data and fixed arrays, unrolled. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const cells = storage("forOf.cells", array(struct("Cell", { value: u32 }), 5));
const bytes = storage("forOf.bytes", array(u8, 7));
const rows = Object.freeze([
  { code: 3, weights: [1, 2, 3], name: "a" },
  { code: 5, weights: [], name: "b" },
  { code: 9, weights: [10], name: "c" },
]);

function unrolled(code: u8, x: u8): u32 {
  let found: u32 = 0;
  for (const { code: own, weights, name } of rows) {
    if (code === own) continue;
    for (const w of weights) {
      if (w === x) break;
      found = u32(found * 3 + w);
    }
    if (name === "b" && x > 100) return 77;
  }
  return found;
}
function labelled(x: u8): u32 {
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
function overArray(x: u32): u32 {
  let i: u32 = 0;
  for (const cell of cells) {
    cell.value = u32(cell.value + x + i);
    i += 1;
  }
  let all: u32 = 0;
  for (const { value } of cells) all = u32(all ^ value);
  return all;
}
function overBytes(x: u8): u32 {
  let all: u32 = 0;
  bytes[x % 7] = x;
  for (let b of bytes) {
    if (b === 3) b = 99;
    all = u32(all * 5 + b);
  }
  return all;
}

export const program: Program = {
  name: "forOf",
  entries: [
    { symbol: "unrolled", fn: unrolled, params: [u8, u8], result: u32 },
    { symbol: "labelled", fn: labelled, params: [u8], result: u32 },
    { symbol: "overArray", fn: overArray, params: [u32], result: u32 },
    { symbol: "overBytes", fn: overBytes, params: [u8], result: u32 },
  ],
};
