/** Repeated measurements of one operation, told as a line: the least, the median and the mean. */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { say, sayDecimal } from "../console-text.ts";

/** How often each operation is measured. */
export const repetitions = 256;

/** What a measurement gives that did not come about. */
export const missed = 0xffff_ffff;

const samples = storage("guestSamples", struct("GuestSamples", { sorted: array(u32, repetitions) }));

/** Measures an operation and tells `figure NAME LEAST MEDIAN MEAN`, or `missed NAME` where it did not come about. */
export function tellFigure(name: string, take: () => u32): void {
  let sum: u64 = 0n;
  for (let i = 0; i < repetitions; i++) {
    const value = take();
    if (value === missed) {
      say("missed ");
      say(name);
      say("\n");
      return;
    }
    sum = u64(sum + BigInt(value));
    insert(i, value);
  }
  say("figure ");
  say(name);
  say(" ");
  sayDecimal(BigInt(samples.sorted[0]));
  say(" ");
  sayDecimal(BigInt(samples.sorted[repetitions >> 1]));
  say(" ");
  sayDecimal(BigInt(u32(sum / BigInt(repetitions))));
  say("\n");
}

/** Tells `absent NAME REASON`. */
export function tellAbsent(name: string, reason: string): void {
  say("absent ");
  say(name);
  say(" ");
  say(reason);
  say("\n");
}

/** Puts a value among the `count` smaller and greater ones. */
function insert(count: u32, value: u32): void {
  let at: u32 = count;
  while (at > 0 && at < repetitions) {
    const before = samples.sorted[at - 1];
    if (before <= value) break;
    samples.sorted[at] = before;
    at = at - 1;
  }
  if (at < repetitions) samples.sorted[at] = value;
}
