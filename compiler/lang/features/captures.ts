/** Feature: captures: constants, data, templates called several times, functions that capture each other. */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { AnyFunction } from "../../../dsl/core/layout.ts";
import type { Program } from "../../../dsl/core/program.ts";

const limit = 40;
const big = 0x1_0000_0000n;
const options = Object.freeze({
  shift: 3,
  nested: { values: [7, 8, 9], on: true },
  get computed(): number {
    return 6;
  },
});

function constants(x: u32): u32 {
  return x < limit
    ? u32(x << options.shift)
    : u32(Number(big >> 8n) + options.nested.values[1]! + options.computed);
}
function pruned(x: u32): u32 {
  if (options.nested.on) return x;
  // Not compiled, so not refused.
  return (x as unknown as { missing: { member: u32 } }).missing.member;
}
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
/** A name inside hides the captured one. */
function shadowed(x: u8): u32 {
  let sum = limit;
  {
    const limit = x + 1;
    sum += limit;
    for (let limit = 0; limit < 3; limit++) sum = u32(sum + limit);
  }
  return u32(sum + limit);
}
function passing(x: u32): u32 {
  const apply = (f: (y: u32) => u32, y: u32): u32 => f(y);
  return apply(adders[1], x);
}
function passed(f: (y: u32) => u32, y: u32, { shift }: { readonly shift: number }): u32 {
  return u32(f(y) << (shift & 31));
}
function passes(x: u32): u32 {
  return u32(
    passed(adders[1], x, options) + passed(composed, x, { shift: 1 }) + passed(adders[2], 3, options),
  );
}
function wide(x: u64): u64 {
  return u64(x * big + BigInt(options.nested.values[2]!));
}
void passing;

export const program: Program = {
  name: "captures",
  entries: [
    { symbol: "constants", fn: constants, params: [u32], result: u32 },
    { symbol: "pruned", fn: pruned, params: [u32], result: u32 },
    { symbol: "templates", fn: templates, params: [u32], result: u32 },
    { symbol: "texts", fn: texts, params: [u32], result: u32 },
    { symbol: "shadowed", fn: shadowed, params: [u8], result: u32 },
    { symbol: "passes", fn: passes, params: [u32], result: u32 },
    { symbol: "wide", fn: wide, params: [u64], result: u64 },
  ],
};
