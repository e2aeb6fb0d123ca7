/** A guest that does little, for images with several: it rests, and tells the seconds that have gone by. */
import { u64, type u32, type u8 } from "../../../dsl/core/int.ts";
import { say, sayDecimal } from "../console-text.ts";
import { in8, out8 } from "../instructions.ts";
import { enterX2apic, openLocalApic, restFor } from "./interrupts.ts";

/** Some 10 ms of any counter. */
const rest = 25_000_000n;

/** The seconds of the real-time clock (MC146818A, "Time, Calendar and Alarm Locations"). */
function clockSeconds(): u8 {
  out8(0x70, 0);
  return in8(0x71);
}

function awaitSecond(): void {
  const second = clockSeconds();
  while (clockSeconds() === second) restFor(rest);
}

/** Lets the clock's second change so many times. */
export function awaitSeconds(count: u32): void {
  openLocalApic();
  enterX2apic();
  for (let i = 0; i < count; i++) awaitSecond();
}

/** Tells each second, for ever. */
export function tick(): never {
  openLocalApic();
  enterX2apic();
  let seconds: u64 = 0n;
  for (;;) {
    awaitSecond();
    seconds = u64(seconds + 1n);
    say("tick ");
    sayDecimal(seconds);
    say("\n");
  }
}
