/**
 * The other processors of a bare guest: started one after the other by INIT and a start-up message (Intel SDM vol. 3
 * §9.4.4), each on a stack of its own.
 */
import { AtomicU32, volatile } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { addressOfFunction } from "../../asm.ts";
import { cpuidEbx, pause } from "../instructions.ts";
import { placeTrampoline, prepareStart } from "../trampoline.ts";
import { loadFaults } from "./faults.ts";
import { openLocalApic } from "./interrupts.ts";
import { stackGpa, startGpa, tablesGpa } from "./place.ts";

// Intel SDM vol. 3 §11.6.1.
const commandLow = 0xfee0_0300n;
const commandHigh = 0xfee0_0310n;
const initMessage = 0x4500;
const startUpMessage = 0x4600;

const stackBytes = 0x4000n;
/** What a callee of the platform's convention may write above its return address. */
const homeBytes = 64n;

const arrivals = storage("guestArrivals", struct("GuestArrivals", { count: AtomicU32 }));

/** How many processors CPUID shows (leaf 1, EBX [23:16]). */
export function processorCount(): u32 {
  return (cpuidEbx(1, 0) >>> 16) & 0xff;
}

function send(apicId: u32, command: u32): void {
  volatile.store32(commandHigh, u32(apicId << 24));
  volatile.store32(commandLow, command);
}

/** Starts all others, whose ids count up from 1: each calls `main` with its id. Returns when the last has arrived. */
export function startOthers(main: (id: u64) => never): u32 {
  openLocalApic();
  placeTrampoline(startGpa);
  const count = processorCount();
  for (let id = 1; id < count; id++) {
    const data = prepareStart(startGpa, {
      root: BigInt(tablesGpa),
      levels: 4,
      stack: u64(BigInt(stackGpa) + BigInt(id) * stackBytes - homeBytes),
      entry: addressOfFunction(main),
      parameter: BigInt(id),
    });
    data.permit.store(1);
    const before = arrivals.count.load();
    send(id, initMessage);
    send(id, u32(startUpMessage | Number(startGpa >> 12n)));
    while (arrivals.count.load() === before) pause();
  }
  return count;
}

/** Says that this processor has arrived, and takes its exceptions. */
export function arrive(): void {
  loadFaults();
  arrivals.count.add(1);
}
