/** Feature: `return` of every kind of value, of nothing, from within loops, and of what differs from path to path. */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, bool, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const Slot = struct("ReturnSlot", { value: u32 });
type Slot = ValueOf<typeof Slot>;
const slots = storage("return.slots", array(Slot, 3));

function early(a: u8): u32 {
  for (let i = 0; i < 10; i++) {
    if (i * i > a) return i;
    while (true) {
      if (a === 7) return 100;
      break;
    }
  }
  return 200;
}
/** The interval of a result is its type's, whichever path it came from. */
function widths(a: i32): i32 {
  return mixed(a) + 1 > 200 ? 1 : mixed(a);
}
function mixed(a: i32): u8 {
  if (a < 0) return 0;
  if (a > 255) return 255;
  return u8(a);
}
function truth(a: u8): boolean {
  if (a > 200) return true;
  return a === 3;
}
function big(a: u64): u64 {
  if (a > 5n) return u64(a * 3n);
  return 1n;
}
function nothing(a: u8): void {
  if (a > 100) return;
  slots[0]!.value = a;
}
function slotOf(a: u8): Slot | null {
  if (a === 9) return null;
  return a > 9 ? slots[1]! : slots[2]!;
}
function pair(a: u8): { readonly at: u32; readonly found: boolean } {
  const slot = slotOf(a);
  if (slot === null) return { at: 7, found: false };
  slot.value = u32(slot.value + a);
  return { at: slot.value, found: true };
}
function all(a: u8): u32 {
  nothing(a);
  const { at, found } = pair(a);
  return u32(at * 2 + (found ? 1 : 0) + slots[0]!.value);
}

export const program: Program = {
  name: "return",
  entries: [
    { symbol: "early", fn: early, params: [u8], result: u32 },
    { symbol: "widths", fn: widths, params: [i32], result: i32 },
    { symbol: "truth", fn: truth, params: [u8], result: bool },
    { symbol: "big", fn: big, params: [u64], result: u64 },
    { symbol: "nothing", fn: nothing, params: [u8], result: undefined },
    { symbol: "all", fn: all, params: [u8], result: u32 },
  ],
};
