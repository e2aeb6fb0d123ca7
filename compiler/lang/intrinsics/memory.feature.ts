/** Feature: addresses, plain and volatile accesses, block operations, views of memory. */
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import {
  addressOf,
  copyBytes,
  fence,
  fillBytes,
  load16,
  load32,
  load64,
  load8,
  store16,
  store32,
  store64,
  store8,
  viewOf,
  volatile,
} from "../../../dsl/core/intrinsics.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const bytes = storage("memory.bytes", array(u8, 64));
const Word = struct("Word", { low: u16, high: u16 });

function accesses(i: u8, v: u64): u64 {
  const base = u64(addressOf(bytes) + BigInt(i & 31));
  store64(base, v);
  store8(u64(base + 3n), u8(v));
  store16(u64(base + 4n), u16(v >> 7n));
  store32(u64(base + 9n), u32(v >> 3n));
  return u64(
    load64(base) ^
      BigInt(load8(u64(base + 1n))) ^
      BigInt(load16(u64(base + 9n))) ^
      BigInt(load32(u64(base + 5n))),
  );
}
function volatiles(v: u64): u64 {
  const base = addressOf(bytes);
  volatile.store64(base, v);
  volatile.store32(u64(base + 8n), u32(v));
  volatile.store16(u64(base + 12n), u16(v));
  volatile.store8(u64(base + 14n), u8(v));
  fence();
  return u64(
    volatile.load64(base) +
      BigInt(volatile.load32(u64(base + 8n))) +
      BigInt(volatile.load16(u64(base + 12n))) +
      BigInt(volatile.load8(u64(base + 14n))),
  );
}
function blocks(n: u8, v: u8): u64 {
  const base = addressOf(bytes);
  fillBytes(base, v, BigInt(n & 31));
  copyBytes(u64(base + 32n), base, BigInt(n & 15));
  let sum = 0;
  for (let i = 0; i < 64; i++) sum = u32(sum * 31 + bytes[i]!);
  return BigInt(sum);
}
function viewed(i: u8, v: u16): u32 {
  const word = viewOf(Word, u64(addressOf(bytes) + BigInt((i & 7) * 4)));
  word.high = v;
  word.low = u16(word.low + 1);
  return u32(word.high * 65536 + word.low);
}

export const program: Program = {
  name: "memory",
  entries: [
    { symbol: "accesses", fn: accesses, params: [u8, u64], result: u64 },
    { symbol: "volatiles", fn: volatiles, params: [u64], result: u64 },
    { symbol: "blocks", fn: blocks, params: [u8, u8], result: u64 },
    { symbol: "viewed", fn: viewed, params: [u8, u16], result: u32 },
  ],
};
