/** Starts a guest's second virtual CPU (Intel SDM vol. 3 §9.4.4) through the x2APIC, whose id there is 1. */
import { addressOf, copyBytes, store16, store32, store64, volatile } from "../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { addressOfFunction, naked } from "../../asm.ts";
import { writeMsr } from "../instructions.ts";
import { loadFaults } from "./faults.ts";
import { enterX2apic, openLocalApic } from "./interrupts.ts";
import { gdtGpa, secondStackGpa, startUpGpa, tablesGpa } from "./place.ts";

/** The interrupt-command register in x2APIC mode (Intel SDM vol. 3 §11.12.9), and the second virtual CPU as destination. */
export const commandRegister = 0x830;
export const toSecond = 1n << 32n;
const init = 0x4500n;
const startUp = 0x4600n;

/** Behind the code in its page: the GDT's pseudo-descriptor, and the address where the second goes. */
const gdtAt = 0xe0;
const entryAt = 0xf0;
const codeBytes = 0xe0n;
const gdtLimit = 5 * 8 - 1;
const hex = (value: number): string => `0x${value.toString(16)}`;

/** From real mode to long mode at once: PE and PG may be set together (APM vol. 2 §14.6.1). */
const start = naked({
  symbol: "guest.other",
  lines: [
    ".code16",
    ".Lguest_other:",
    "cli",
    "xorl %edx, %edx",
    "movw %dx, %ds",
    `lgdtl ${hex(startUpGpa + gdtAt)}`,
    `movl $${hex(tablesGpa)}, %eax`,
    "movl %eax, %cr3",
    // PAE, OSFXSR, OSXMMEXCPT.
    "movl $0x620, %eax",
    "movl %eax, %cr4",
    "movl $0xc0000080, %ecx",
    "movl $0x100, %eax",
    "wrmsr",
    "movl $0x80000011, %eax",
    "movl %eax, %cr0",
    `ljmpl $8, $(${hex(startUpGpa)}+.Lguest_other_long-.Lguest_other)`,
    ".code64",
    ".Lguest_other_long:",
    "movw $0x10, %ax",
    ...["ds", "es", "ss", "fs", "gs"].map((segment) => `movw %ax, %${segment}`),
    `movl $${hex(secondStackGpa - 64)}, %esp`,
    `callq *${hex(startUpGpa + entryAt)}`,
  ],
});

const runs = storage("guestSecondRuns", struct("GuestSecondRuns", { value: u64 }));

/** What the second virtual CPU does first: it takes the first one's handlers, opens its APIC, and says that it runs. */
export function beginSecond(): void {
  loadFaults();
  openLocalApic();
  enterX2apic();
  volatile.store64(addressOf(runs), 1n);
}

/** Places what its start-up message finds: it goes on at `entry` in long mode, with a stack of its own. */
export function placeStart(entry: u64): void {
  copyBytes(BigInt(startUpGpa), addressOfFunction(start), codeBytes);
  store16(BigInt(startUpGpa + gdtAt), gdtLimit);
  store32(BigInt(startUpGpa + gdtAt + 2), gdtGpa);
  store64(BigInt(startUpGpa + entryAt), entry);
}

/** Starts it at a function that calls {@link beginSecond}, and returns when it has. The first one's APIC is opened. */
export function startSecond(entry: u64): void {
  openLocalApic();
  enterX2apic();
  placeStart(entry);
  writeMsr(commandRegister, u64(toSecond | init));
  writeMsr(commandRegister, u64(toSecond | startUp | BigInt(startUpGpa >> 12)));
  while (volatile.load64(addressOf(runs)) === 0n);
}
