/** Feature: locals: `const` and `let` with and without a type, several at once, assignment on every path. */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { bool, ref, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

function later(flag: boolean, a: u8): u8 {
  let x: u8;
  let seen: boolean;
  if (flag) {
    x = a;
    seen = true;
  } else {
    x = 7;
    seen = a > 9;
  }
  return seen ? x : 0;
}
function parameters(a: u8, b: u64): u64 {
  a = a > 100 ? 100 : a;
  b = u64(b + BigInt(a));
  b >>= 1n;
  return b;
}
function taught(a: i32): u8 {
  let x: i32 = a;
  if (x < 0 || x > 200) x = 200;
  const y: u8 = u8(x);
  if (x + 5 < 100) return u8(x + 5);
  return y;
}
function plain(a: u64, n: u8): u64 {
  let x = 1n;
  for (let i = 0; i < (n & 7); i++) x = (x * (a & 0xffn)) & 0xffff_ffffn;
  let flags = false;
  if (x > 7n) flags = x > 100n;
  return flags ? u64(x) : 3n;
}
function several(a: u8): u32 {
  const one = a,
    two: u32 = one * 2;
  let three = two + 1,
    four: u32;
  three *= 2;
  four = three;
  if (a > 7) four += 1;
  return u32(one + two * 3 + three * 5 + four * 7);
}

const Item = struct("VariableItem", { value: u32 });
type Item = ValueOf<typeof Item>;
const first = storage("variable.first", Item);
const list = storage("variable.list", struct("VariableList", { head: ref(Item) }));
/** A reference that is not set yet, and one that changes. */
function references(a: u8): u32 {
  let item: Item;
  let maybe: Item | null = null;
  if (a > 9) {
    item = first;
    maybe = list.head;
  } else item = first;
  item.value = u32(item.value + a);
  list.head = (a & 1) === 0 ? item : null;
  return maybe === null ? 7 : maybe.value;
}

export const program: Program = {
  name: "variable",
  entries: [
    { symbol: "later", fn: later, params: [bool, u8], result: u8 },
    { symbol: "parameters", fn: parameters, params: [u8, u64], result: u64 },
    { symbol: "taught", fn: taught, params: [i32], result: u8 },
    { symbol: "plain", fn: plain, params: [u64, u8], result: u64 },
    { symbol: "several", fn: several, params: [u8], result: u32 },
    { symbol: "references", fn: references, params: [u8], result: u32 },
  ],
};
