/** Pseudo-random numbers with a fixed seed, so that every run does the same. */
import { u32 } from "../../../dsl/core/int.ts";
import { struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";

const state = storage("guestRandom", struct("GuestRandom", { value: u32 }));
state.value = 0x1234_5678;

/** The next number: xorshift of 32 bits (Marsaglia, "Xorshift RNGs", §3). */
export function random(): u32 {
  let x: u32 = state.value;
  x = u32(x ^ (x << 13));
  x = u32(x ^ (x >>> 17));
  x = u32(x ^ (x << 5));
  state.value = x;
  return x;
}
