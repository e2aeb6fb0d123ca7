/** Feature: structs in static storage: every field type, nesting, placed and packed fields, initial contents, and stores that are heard of */
import { i32, i64, u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import { array, at, bool, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { observed } from "../../dsl/core/observe.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Program } from "../../dsl/core/program.ts";

const Inner = struct("Inner", { a: u8, b: u32 });
const Outer = struct("Outer", {
  x: u8,
  y: u16,
  z: u32,
  s: i32,
  w: u64,
  t: i64,
  f: bool,
  inner: Inner,
  list: array(u16, 3),
});
type Outer = ValueOf<typeof Outer>;
const Placed = struct(
  "Placed",
  { low: at(4, u8), high: at(9, u32), wide: at(1, u16) },
  { size: 16, packed: true },
);
const outer = storage("fields.outer", Outer);
const placed = storage("fields.placed", Placed);
outer.y = 0x1234;
outer.t = -5n;
outer.inner.b = 99;
outer.list[2] = 65535;

function initial(): u64 {
  return u64(BigInt(outer.y) + BigInt(outer.inner.b) * 3n - outer.t + BigInt(outer.list[2]!));
}
function write(o: Outer, v: i32): void {
  o.x = u8(v);
  o.y = u16(v);
  o.z = u32(v);
  o.s = v;
  o.w = u64(BigInt(v));
  o.t = BigInt(v);
  o.f = v > 3;
  o.inner.a = u8(v >> 3);
}
function roundTrip(v: i32): i64 {
  write(outer, v);
  const { inner } = outer;
  inner.b = u32(inner.b + outer.z);
  return i64(
    BigInt(outer.x) +
      BigInt(outer.y) +
      BigInt(outer.s) * 3n +
      i64(outer.w) +
      outer.t +
      BigInt(outer.f) +
      BigInt(inner.a),
  );
}
function packed(v: u32): u32 {
  placed.high = v;
  placed.low = u8(v >>> 7);
  placed.wide = u16(v ^ 0x5555);
  return u32(placed.high + placed.low * 3 + placed.wide);
}

const heard = storage("fields.heard", struct("Heard", { count: u32, sum: u64 }));
const home = {} as { outer: Outer };
const Watched = observed(
  Outer,
  (address: u64, value: u64): void => {
    heard.count = u32(heard.count + 1);
    heard.sum = u64(u64(heard.sum * 31n) + u64(address - addressOf(home.outer)) + u64(value << 8n));
  },
  (_descriptor, name) => name === "y",
);
const watched = storage("fields.watched", Watched);
Object.freeze(Object.assign(home, { outer: watched }));
/** The same function for a layout that is heard of; what does not change, and `y`, is not. */
function hear(v: i32, i: u8): u64 {
  write(watched, v);
  watched.list[i % 3] = u16(v);
  watched.list[i % 3]! ^= 3;
  return u64(heard.sum + (BigInt(heard.count) << 32n));
}

export const program: Program = {
  name: "fields",
  entries: [
    { symbol: "initial", fn: initial, params: [], result: u64 },
    { symbol: "roundTrip", fn: roundTrip, params: [i32], result: i64 },
    { symbol: "hear", fn: hear, params: [i32, u8], result: u64 },
    { symbol: "packed", fn: packed, params: [u32], result: u32 },
  ],
};
