/** Executes the attacks one after the other and reports each; a restart goes on with the next. */
import type { u32, u64, u8 } from "../../../../dsl/core/int.ts";
import { in8, out8 } from "../../instructions.ts";
import { trying } from "../attempts.ts";
import { takeFaults } from "../faults.ts";
import { hasHypercalls, notifyAdministrator } from "../hypercalls.ts";
import { attacks } from "./attacks.ts";
import { startStorm } from "./timer.ts";

/** What is reported: the attack's number, and the outcome. */
export const reportCode = 0xa000;

/** A byte of the real-time clock's memory, which a restart keeps. */
const kept = 0x50;
const indexPort = 0x70;
const dataPort = 0x71;

function begun(): u32 {
  out8(indexPort, kept);
  return in8(dataPort);
}
function keep(count: u8): void {
  out8(indexPort, kept);
  out8(dataPort, count);
}

const numbered = Object.freeze(attacks.map((a, number) => Object.freeze({ ...a, number })));

/** How long others have the CPU to themselves before the first, in nanoseconds. */
const quietNs = 1_500_000_000;
const sleepSite = trying("sti; 1: hlt; jmp 1b");

/** Executes all that have not been begun before. */
export function runAttacks(): void {
  if (!hasHypercalls()) return;
  const first = begun();
  if (first === 0) {
    startStorm(quietNs, false, 1n);
    sleepSite(0n, 0n);
  }
  for (const a of numbered) {
    if (a.number >= first) {
      keep(a.number + 1);
      takeFaults();
      const outcome: u64 = a.act();
      notifyAdministrator(reportCode + a.number, outcome);
    }
  }
}
