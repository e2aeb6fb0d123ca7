/** Feature: calls: of what templates returned, of functions passed on, of methods, and of generic functions. */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, extend, struct, type AnyFunction } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const options = Object.freeze({ shift: 3 });
function adder(by: u32): (x: u32) => u32 {
  return (x: u32): u32 => u32(x + by);
}
const adders = [adder(1), adder(100), adder(1)] as const;
function compose(f: (x: u32) => u32, g: (x: u32) => u32): (x: u32) => u32 {
  return (x: u32): u32 => f(g(x));
}
const composed = compose(compose(adders[0], adders[1]), adder(5));
function templates(x: u32): u32 {
  return u32(adders[0](x) + adders[1](x) * 2 + adders[2](x) * 3 + composed(x));
}
/** Two functions of one template that differ in a text and in a function. */
function named(name: string, of: (x: u32) => u32): AnyFunction {
  return (x: u32): u32 => (name === "twice" ? u32(of(x) * 2) : name.length === 3 ? of(x) : 0);
}
const twice: (x: u32) => u32 = named("twice", adders[0]);
const one: (x: u32) => u32 = named("one", adders[1]);
function texts(x: u32): u32 {
  return u32(twice(x) ^ one(x));
}
function passed(f: (y: u32) => u32, y: u32, { shift }: { readonly shift: number }): u32 {
  return u32(f(y) << (shift & 31));
}
function passes(x: u32): u32 {
  return u32(
    passed(adders[1], x, options) + passed(composed, x, { shift: 1 }) + passed(adders[2], 3, options),
  );
}

const small = storage("call.small", struct("Small", { head: u8, size: u8 }));
const large = storage("call.large", struct("Large", { pad: u64, size: u32, list: array(u32, 4) }));
function grow<T extends { size: u8 | u32 }>(it: T, by: u8): u32 {
  it.size = u8(it.size + by);
  return it.size;
}
function generic(x: u8): u32 {
  return u32(grow(small, x) * 1000 + grow(large, u8(x + 1)));
}

/** What is generic in an integer is compiled for numbers and for bigints. */
function pairUp<V>(first: V, second: V, join: (a: V, b: V) => V): (x: V) => V {
  return (x: V): V => join(join(first, x), second);
}
const narrowPair: (x: u32) => u32 = pairUp(3, 1000, (a: u32, b: u32): u32 => u32(a * 31 + b));
const widePair: (x: u64) => u64 = pairUp(5n, 1n << 40n, (a: u64, b: u64): u64 => u64(a * 31n + b));
function integers(x: u8, y: u64): u64 {
  return u64(BigInt(narrowPair(x)) + widePair(y));
}

/** What a template passes on keeps the width that it has, and may be nothing. */
function watched<A, R>(run: (a: A) => R): (a: A) => R {
  return (a: A): R => {
    small.head = u8(small.head + 1);
    const result = run(a);
    small.head = u8(small.head * 2);
    return result;
  };
}
const narrowResult = watched((a: u8): u8 => u8(a * 3));
const noResult = watched((a: u8): void => {
  small.size = u8(a ^ small.head);
});
function passing(x: u8): u32 {
  const narrow: u8 = narrowResult(x);
  noResult(narrow);
  return u32(small.size * 256 + small.head + narrow);
}

const Meter = extend(struct("Meter", { total: u32, steps: u8 }), {
  methods: {
    step(self: { total: u32; steps: u8 }, by: u32): u32 {
      self.steps = u8(self.steps + 1);
      self.total = u32(self.total * 3 + by);
      return self.total;
    },
  },
});
const meter = storage("call.meter", Meter);
/** Arguments are evaluated from left to right, before the call. */
function ordered(a: u32, b: u32, c: u32): u32 {
  return u32(a * 5 + b * 7 + c * 11);
}
function methods(x: u32): u32 {
  return u32(ordered(meter.step(x), meter.step(1), u32(meter.total + meter.steps)));
}

export const program: Program = {
  name: "call",
  entries: [
    { symbol: "integers", fn: integers, params: [u8, u64], result: u64 },
    { symbol: "templates", fn: templates, params: [u32], result: u32 },
    { symbol: "texts", fn: texts, params: [u32], result: u32 },
    { symbol: "passes", fn: passes, params: [u32], result: u32 },
    { symbol: "generic", fn: generic, params: [u8], result: u32 },
    { symbol: "passing", fn: passing, params: [u8], result: u32 },
    { symbol: "methods", fn: methods, params: [u32], result: u32 },
  ],
};
