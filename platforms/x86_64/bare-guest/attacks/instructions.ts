/** Instructions that are the hypervisor's own, or that would hold the CPU up. */
import { addressOf } from "../../../../dsl/core/intrinsics.ts";
import { u64, u8 } from "../../../../dsl/core/int.ts";
import { array, struct } from "../../../../dsl/core/layout.ts";
import { storage } from "../../../../dsl/core/storage.ts";
import { hypervisorInstructions, trying } from "../attempts.ts";
import { attack, goesOn, refused, type Attack } from "./attack.ts";

const vectorUd = 6;
const vectorGp = 13;

/** A page of the guest's own. */
export const ownPage = storage(
  "guestOwnPage",
  struct("GuestOwnPage", { bytes: array(u8, 4096) }, { align: 4096 }),
  { align: 4096 },
);

/** Executes instructions once, with the page's address in RAX and zeros in RCX and RDX. */
const once = (instructions: string): (() => u64) => {
  const site = trying(`movq %rsi, %rax; xorl %ecx, %ecx; xorl %edx, %edx; ${instructions}`);
  return (): u64 => site(addressOf(ownPage), 0n);
};
/** Executes instructions many times. */
const often = (times: number, instructions: string): (() => u64) => {
  const site = trying(`1: ${instructions}; decq %rsi; jnz 1b`);
  return (): u64 => site(BigInt(times), 0n);
};

const undefined6 = (instruction: string): Attack =>
  attack(
    instruction.replace(/ .*/, ""),
    `executes \`${instruction.replaceAll("%", "")}\``,
    refused(vectorUd),
    once(instruction),
  );

export const instructionAttacks: readonly Attack[] = [
  ...[...hypervisorInstructions, "vmcall"].map(undefined6),
  attack("rdpmc", "reads a performance counter", refused(vectorGp), once("rdpmc")),
  attack(
    "wbinvd-storm",
    "writes the caches back 2,000 times",
    goesOn("nothing: the instruction has no effect"),
    often(2000, "wbinvd"),
  ),
  attack(
    "invd-storm",
    "empties the caches without writing them back, 2,000 times",
    goesOn("nothing: the instruction has no effect"),
    often(2000, "invd"),
  ),
  attack(
    "pause-storm",
    "executes PAUSE 200 times, which yields while it has several virtual CPUs",
    goesOn(),
    often(200, "pause"),
  ),
  attack(
    "cpuid-storm",
    "asks for 5,000 leaves, listed ones and others",
    goesOn(),
    often(5000, "pushq %rbx; movl %esi, %eax; rorl $$7, %eax; cpuid; popq %rbx"),
  ),
];
