/** Whether the memory of a guest is all zero when it starts; then it fills it with what nobody else has. */
import { addressOf, volatile } from "../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { say, sayDecimal } from "../console-text.ts";
import { freshGpa } from "./place.ts";

/** What a filled word is not: the complement, so that the program itself does not hold what it fills with. */
export const fillComplement = 0x1d52_93c6_8e07_ba4fn;
/** How much is filled, from `freshGpa` on. */
export const filledBytes = 0x100_0000;

const seed = storage("guestFillSeed", struct("GuestFillSeed", { value: u64 }));
seed.value = fillComplement;

/** Tells how many words are not zero, and fills all. */
export function fillMemory(): void {
  const end = u64(BigInt(freshGpa) + BigInt(filledBytes));
  let used: u64 = 0n;
  for (let at: u64 = BigInt(freshGpa); at < end; at = u64(at + 8n))
    if (volatile.load64(at) !== 0n) used = u64(used + 1n);
  say("words in use: ");
  sayDecimal(used);
  say("\n");
  const value = u64(~volatile.load64(addressOf(seed)));
  for (let at: u64 = BigInt(freshGpa); at < end; at = u64(at + 8n)) volatile.store64(at, value);
  say("filled\n");
}
