/** Exceptions and system calls from the instruction to the handler and back: a hypervisor has no part in them. */
import { addressOf, load64, store64 } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { asm } from "../../asm.ts";
import { readCr3, readMsr, writeCr3, writeMsr } from "../instructions.ts";
import { recovery } from "./faults.ts";
import { always, type Operation } from "./operation.ts";
import { imageGpa, tablesGpa } from "./place.ts";

/** Above all that is mapped. */
const unmapped = 0x1_0000_0000n;

/** The counter around an instruction that faults; the operands are the recovery cell and the instruction's own. */
const faulting = (instruction: string) =>
  asm({
    template: [
      "leaq 77f(%rip), %r9; movq %r9, (%rdi)",
      `rdtsc; movl %eax, %r8d; ${instruction}; 77: rdtsc; subl %r8d, %eax; movq $$0, (%rdi)`,
    ].join("; "),
    constraints: "={eax},{rdi},{rsi},~{rdx},~{r8},~{r9},~{memory}",
    params: [u64, u64],
    result: u32,
  });
const pageFaultSite = faulting("movl (%rsi), %eax");
const undefinedSite = faulting("ud2");
const pageFault = (): u32 => pageFaultSite(addressOf(recovery), unmapped);
const undefinedInstruction = (): u32 => undefinedSite(addressOf(recovery), 0n);

const efer = 0xc000_0080;
const systemCallEnable = 1n;
const star = 0xc000_0081;
const systemCallMask = 0xc000_0084;
/** The kernel's code selector, and 16 below user mode's, for SYSCALL and SYSRET (APM vol. 2 §6.1.1). */
const selectors = 0x0013_0008_0000_0000n;

/** SYSRET to user mode and SYSCALL back, with interrupts off. */
const systemCallSite = asm({
  template: [
    "movl $$0xc0000082, %ecx; leaq 2f(%rip), %rax; movq %rax, %rdx; shrq $$32, %rdx; wrmsr",
    "leaq 1f(%rip), %rcx; movl $$2, %r11d; rdtsc; movl %eax, %r8d; sysretq; 1: syscall",
    "2: rdtsc; subl %r8d, %eax",
  ].join("; "),
  constraints: "={eax},~{rcx},~{rdx},~{r8},~{r11},~{memory}",
  params: [],
  result: u32,
});

const userBit = 4n;
/** The table entries on the way to the large page that the program lies in, its own last. */
const entriesToProgram = Object.freeze([
  BigInt(tablesGpa),
  BigInt(tablesGpa + 0x1000),
  BigInt(tablesGpa + 0x2000 + 8 * Math.floor(imageGpa / 0x20_0000)),
]);

/** Lets user mode use the program's page. */
function openToUserMode(): void {
  for (const at of entriesToProgram) store64(at, u64(load64(at) | userBit));
  writeCr3(readCr3());
}

function systemCall(): u32 {
  openToUserMode();
  writeMsr(efer, u64(readMsr(efer) | systemCallEnable));
  writeMsr(star, selectors);
  writeMsr(systemCallMask, 0n);
  return systemCallSite();
}

const roundTrip = (name: string, take: () => u32): Operation =>
  Object.freeze({ name, possible: always, reason: "", take });

/** The operations. */
export const roundTrips: readonly Operation[] = Object.freeze([
  roundTrip("exception.pf", pageFault),
  roundTrip("exception.ud", undefinedInstruction),
  roundTrip("exception.syscall", systemCall),
]);
