/** Feature: parentheses, `as const`, `as` between references, `satisfies`, and `x!`, which checks references. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import { array, ref, struct, type StructDescriptor } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

interface Item {
  id: u32;
  other: Item | null;
}
const Item: StructDescriptor<Item> = struct("AssertedItem", {
  id: u32,
  other: ref((): StructDescriptor<Item> => Item),
});
const items = storage("assertion.items", array(Item, 4));
items[0]!.other = items[1]!;

function find(id: u32): Item | null {
  for (const item of items) if (item.id === id) return item;
  return null;
}
function present(id: u8): u32 {
  items[2]!.id = id >>> 1;
  items[3]!.id = 77;
  return u32(find(id & 3)!.id + 1);
}
/** A reference in a field is read once, and checked at each `!`. */
function chained(i: u8): u32 {
  const last = items[i & 1]!.other!;
  last.id = u32(last.id + i);
  return last.id;
}
function asserted(i: u8): u32 {
  const weights = [5, 7, 11] as const;
  const pair = { low: i, high: weights[i % 3]! } satisfies { readonly low: u8; readonly high: u8 };
  const item = items[i & 3] as { readonly id: u32 };
  return u32((pair.low * pair.high + (item.id & 0xff)) * 2);
}

export const program: Program = {
  name: "assertion",
  entries: [
    { symbol: "present", fn: present, params: [u8], result: u32 },
    { symbol: "chained", fn: chained, params: [u8], result: u32 },
    { symbol: "asserted", fn: asserted, params: [u8], result: u32 },
  ],
};
