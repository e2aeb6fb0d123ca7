/** Feature: captured values: constants, data, interfaces bound at build time; what is known leaves no code. */
import { binding, provide } from "../../dsl/core/binding.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import type { Program } from "../../dsl/core/program.ts";

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
function wide(x: u64): u64 {
  return u64(x * big + BigInt(options.nested.values[2]!));
}

interface Service {
  double(x: u32): u32;
  readonly weight: u8;
}
const service = binding<Service>("service");
provide(service, { double: (x: u32): u32 => u32(x * 2), weight: 9 });
function bound(x: u32): u32 {
  return u32(service.double(x) + service.weight);
}

export const program: Program = {
  name: "known",
  entries: [
    { symbol: "constants", fn: constants, params: [u32], result: u32 },
    { symbol: "pruned", fn: pruned, params: [u32], result: u32 },
    { symbol: "wide", fn: wide, params: [u64], result: u64 },
    { symbol: "bound", fn: bound, params: [u32], result: u32 },
  ],
};
