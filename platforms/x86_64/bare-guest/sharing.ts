/** A CPU that guests share: what giving it away costs, and how much each gets of it. */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { asm } from "../../asm.ts";
import { say } from "../console-text.ts";
import { readTsc } from "../instructions.ts";
import { notifyAdministrator, yieldProcessor } from "./hypercalls.ts";
import { markInstruction, marks } from "./mark.ts";
import { tellFigure } from "./sample.ts";

/** The counter around the hypercall that gives the CPU away. */
const yieldSite = asm({
  template: [
    "rdtsc; movl %eax, %r9d; movl $$0x15403, %ecx; xorl %edx, %edx; xorl %r8d, %r8d; vmmcall",
    "rdtsc; subl %r9d, %eax",
  ].join("; "),
  constraints: "={eax},~{rcx},~{rdx},~{r8},~{r9},~{memory}",
  params: [],
  result: u32,
});

/** The name of what {@link measureYield} tells. */
export const yieldName = "yield.pair";

/** Measures from giving the CPU away until it is back: beside one guest that gives it away at once, two switches. */
export function measureYield(): void {
  tellFigure(yieldName, yieldSite);
  say("measured\n");
}

/** Gives the CPU away for ever. */
export function yieldForever(): never {
  for (;;) yieldProcessor();
}

/** Ten seconds of a counter of a gigahertz. */
const ticks = 10_000_000_000n;

/** The code under which a guest tells the administrator its rounds. */
export const roundsCode = 1;

/** Computes for a while of its clock, and tells how many rounds it did. */
export function countRounds(): void {
  const start = readTsc();
  let rounds: u64 = 0n;
  while (u64(readTsc() - start) < ticks) rounds = u64(rounds + 1n);
  notifyAdministrator(roundsCode, rounds);
}

const beginSite = asm({ template: markInstruction(marks.begins), constraints: "", params: [] });
const computeSite = asm({
  template: `movl $$1000000, %ecx; 1: decl %ecx; jnz 1b; ${markInstruction(marks.computes)}`,
  constraints: "~{rcx}",
  params: [],
});

/** Computes for ever, with a mark at the beginning and after every million rounds. */
export function computeForever(): never {
  beginSite();
  for (;;) computeSite();
}
