/** Feature: atomic cells. */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { AtomicU32, AtomicU64 } from "../../../dsl/core/intrinsics.ts";
import { bool, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const shared = storage("atomic.shared", struct("Shared", { word: AtomicU32, wide: AtomicU64 }));

function words(a: u32, b: u32): u32 {
  const first = shared.word.or(a);
  const second = shared.word.and(b);
  const third = shared.word.add(a);
  const fourth = shared.word.exchange(u32(third ^ b));
  return u32(first + second * 3 + third * 5 + fourth * 7 + shared.word.load());
}
function exchanges(a: u32, b: u32): boolean {
  shared.word.store(a);
  return shared.word.compareExchange(b, 5) || shared.word.load() === 5;
}
function wides(a: u64, b: u64): u64 {
  const first = shared.wide.or(a);
  const second = shared.wide.and(b);
  const third = shared.wide.add(a);
  const done = shared.wide.compareExchange(b, a);
  shared.wide.store(u64(shared.wide.load() + (done ? 1n : 2n)));
  return u64(first ^ second ^ third ^ shared.wide.exchange(b));
}

export const program: Program = {
  name: "atomic",
  entries: [
    { symbol: "words", fn: words, params: [u32, u32], result: u32 },
    { symbol: "exchanges", fn: exchanges, params: [u32, u32], result: bool },
    { symbol: "wides", fn: wides, params: [u64, u64], result: u64 },
  ],
};
