/** Feature: `c ? a : b`: integers of both sides, records, references; where `c` is known, one side alone. */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const boxes = storage("conditional.boxes", array(struct("Box", { value: u32 }), 2));
const enabled: boolean = true;

function chosen(a: i32, b: i32): i32 {
  return a > b ? (a > 1000 ? 1000 : a) : b === 7 ? -1 : b;
}
function nested(a: u8, b: u8): u8 {
  return a === b ? 1 : !(a < b) ? 2 : a + 3 < b ? 3 : 4;
}
function record(a: u8): u32 {
  const r = a > 9 ? { x: 1, y: a } : { x: a, y: 3 };
  return r.x * 1000 + r.y;
}
function reference(a: u32): u32 {
  const box = (a & 1) === 0 ? boxes[0]! : boxes[1]!;
  box.value = u32(box.value + a);
  const none = a > 9 ? box : null;
  return none === null ? 5 : none.value;
}
/** The side that is not taken has no effect, and teaches nothing. */
function effects(a: u64): u64 {
  const before = boxes[0]!.value;
  const r = a > 0xff_ffffn ? bump(1) : a === 3n ? bump(2) : 0;
  return u64(BigInt(u32(boxes[0]!.value - before)) * 10n + BigInt(r));
}
function bump(by: u8): u8 {
  boxes[0]!.value = u32(boxes[0]!.value + by);
  return by;
}
function decided(a: u8): u32 {
  // The other side would not fit.
  const r: u8 = enabled ? a : a * 1000;
  return a >= 0 ? r : r + 1;
}

export const program: Program = {
  name: "conditional",
  entries: [
    { symbol: "chosen", fn: chosen, params: [i32, i32], result: i32 },
    { symbol: "nested", fn: nested, params: [u8, u8], result: u8 },
    { symbol: "record", fn: record, params: [u8], result: u32 },
    { symbol: "reference", fn: reference, params: [u32], result: u32 },
    { symbol: "effects", fn: effects, params: [u64], result: u64 },
    { symbol: "decided", fn: decided, params: [u8], result: u32 },
  ],
};
