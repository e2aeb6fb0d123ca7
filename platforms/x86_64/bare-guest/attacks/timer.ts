/** The local APIC's timer as a storm: each interrupt takes one from the budget, and the last ends the attempt. */
import { volatile } from "../../../../dsl/core/intrinsics.ts";
import type { u32, u64 } from "../../../../dsl/core/int.ts";
import { budget, stormVector } from "../faults.ts";
import { openLocalApic } from "../interrupts.ts";

// Intel SDM vol. 3 §11.4.1, §11.5.4.
const timerEntry = 0xfee0_0320n;
const initialCount = 0xfee0_0380n;
const divide = 0xfee0_03e0n;
const divideByOne = 0xb;
const periodic = 0x2_0000;
const masked = 0x1_0000;

/** Starts the timer with a count of nanoseconds; `times` interrupts end the attempt. */
export function startStorm(count: u32, again: boolean, times: u64): void {
  openLocalApic();
  budget.value = times;
  volatile.store32(divide, divideByOne);
  volatile.store32(timerEntry, again ? periodic | stormVector : stormVector);
  volatile.store32(initialCount, count);
}

/** Stops it. */
export function stopStorm(): void {
  volatile.store32(timerEntry, masked);
  volatile.store32(initialCount, 0);
}
