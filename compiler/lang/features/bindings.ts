/** Feature: interfaces bound at build time, and generic functions compiled for each struct. */
import { binding, provide } from "../../../dsl/core/binding.ts";
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

interface Service {
  double(x: u32): u32;
  readonly weight: u8;
}
const service = binding<Service>("service");
provide(service, { double: (x: u32): u32 => u32(x * 2), weight: 9 });

const small = storage("bindings.small", struct("Small", { head: u8, size: u8 }));
const large = storage("bindings.large", struct("Large", { pad: u64, size: u32, list: array(u32, 4) }));

function bound(x: u32): u32 {
  return u32(service.double(x) + service.weight);
}
function grow<T extends { size: u8 | u32 }>(it: T, by: u8): u32 {
  it.size = u8(it.size + by);
  return it.size;
}
function generic(x: u8): u32 {
  return u32(grow(small, x) * 1000 + grow(large, u8(x + 1)));
}

export const program: Program = {
  name: "bindings",
  entries: [
    { symbol: "bound", fn: bound, params: [u32], result: u32 },
    { symbol: "generic", fn: generic, params: [u8], result: u32 },
  ],
};
