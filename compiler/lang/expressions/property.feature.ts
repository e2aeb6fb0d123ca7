/** Feature: properties: fields of structs within structs, computed ones, lengths, members of records and of data. */
import { u16, u32, u8 } from "../../../dsl/core/int.ts";
import { array, extend, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const Point = struct("Point", { x: u16, y: u16 });
const Segment = struct("Segment", { from: Point, to: Point, weights: array(u8, 6) });
const segment = storage("property.segment", Segment);
const grid = storage("property.grid", array(array(u16, 5), 4));
const limits = Object.freeze({ inner: { most: 900 }, names: ["a", "b", "c"] });

function fields(x: u16, y: u16): u32 {
  segment.from.x = x;
  segment.to.y = y;
  segment.to.x = u16(segment.from.x ^ segment.to.y);
  move(segment.to, 3);
  return u32(segment.from.x + segment.to.x * 7 + segment.to.y * 11 + segment.from.y);
}
function move(p: ValueOf<typeof Point>, by: u8): void {
  p.x = u16(p.x + by);
  p.y = u16(p.y - by);
}
function lengths(): u32 {
  return grid.length * 100 + grid[1]!.length * 1000 + segment.weights.length + limits.names.length;
}
function data(x: u16): u32 {
  const near = { at: x, by: limits.inner.most };
  return near.at > near.by ? limits.inner.most : near.at;
}

const Counter = extend(struct("Counter", { raw: u32, steps: u8 }), {
  methods: {},
  properties: {
    low: {
      get: (self: { raw: u32 }): u8 => u8(self.raw),
      set: (self: { raw: u32 }, value: u8): void => {
        self.raw = u32((self.raw & 0xffff_ff00) | value);
      },
    },
  },
});
const counter = storage("property.counter", Counter);
function computed(by: u32): u32 {
  counter.raw = u32(counter.raw + by);
  counter.low = u8(counter.raw >>> 8);
  counter.low ^= 3;
  counter.steps = u8(counter.steps + counter.low);
  return u32(counter.raw + counter.low + counter.steps);
}

export const program: Program = {
  name: "property",
  entries: [
    { symbol: "fields", fn: fields, params: [u16, u16], result: u32 },
    { symbol: "lengths", fn: lengths, params: [], result: u32 },
    { symbol: "data", fn: data, params: [u16], result: u32 },
    { symbol: "computed", fn: computed, params: [u32], result: u32 },
  ],
};
