/**
 * Instructions that may fault: each gives 0 where it went well, and otherwise the exception's vector plus 1
 * (`faults.ts` brings it back). What changes a control register puts the old value back.
 */
import { addressOf } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { asm } from "../../asm.ts";
import { recovery } from "./faults.ts";

/**
 * `(recovery cell, operand, second operand)` in RDI, RSI, RDX; of the other registers R11 must stay as it is, and nothing
 * may be relied on. The stack pointer is put back.
 */
export const attempt = (instructions: string) =>
  asm({
    template: [
      "pushq %rdi; movq %rsp, %r11; leaq 77f(%rip), %r8; movq %r8, (%rdi); xorl %r9d, %r9d",
      instructions,
      "77: movq %r11, %rsp; popq %rdi; movq $$0, (%rdi)",
    ].join("; "),
    constraints: "={r9},{rdi},{rsi},{rdx},~{rax},~{rcx},~{rdx},~{rsi},~{rdi},~{r8},~{r10},~{r11},~{memory}",
    params: [u64, u64, u64],
    result: u64,
  });

/** A register that takes any value, and then its old one again. */
const flip = (register: string) => attempt(`movq %rsi, %${register}; movq %rdx, %${register}`);
const cr0Site = flip("cr0");
const cr4Site = flip("cr4");
const cr3Site = flip("cr3");
const wrmsrSite = attempt("movl %esi, %ecx; movl %edx, %eax; shrq $$32, %rdx; wrmsr");
const rdmsrSite = attempt("movl %esi, %ecx; rdmsr");
const xsetbvSite = attempt("movl %esi, %ecx; movl %edx, %eax; shrq $$32, %rdx; xsetbv");

const cell = (): u64 => addressOf(recovery);
/** MOV to CR0 of `value`, then of `old`. */
export const tryCr0 = (value: u64, old: u64): u64 => cr0Site(cell(), value, old);
/** MOV to CR4 of `value`, then of `old`. */
export const tryCr4 = (value: u64, old: u64): u64 => cr4Site(cell(), value, old);
/** MOV to CR3 of `value`, then of `old`. */
export const tryCr3 = (value: u64, old: u64): u64 => cr3Site(cell(), value, old);
/** WRMSR. */
export const tryWriteMsr = (msr: u32, value: u64): u64 => wrmsrSite(cell(), BigInt(msr), value);
/** RDMSR. */
export const tryReadMsr = (msr: u32): u64 => rdmsrSite(cell(), BigInt(msr), 0n);
/** XSETBV. */
export const trySetXcr = (register: u32, value: u64): u64 => xsetbvSite(cell(), BigInt(register), value);

/** Makes an attempt of instructions over two operands. */
export const trying = (instructions: string): ((first: u64, second: u64) => u64) => {
  const site = attempt(instructions);
  return (first: u64, second: u64): u64 => site(addressOf(recovery), first, second);
};

/** Instructions that a guest without nested virtualisation has no use for. RAX is a page of its memory. */
export const hypervisorInstructions: readonly string[] = [
  "vmrun %rax",
  "vmload %rax",
  "vmsave %rax",
  "stgi",
  "clgi",
  "skinit %eax",
  "invlpga %rax, %ecx",
  "rsm",
  "monitor",
  "mwait",
];
const privileged = Object.freeze(
  [...hypervisorInstructions, "vmmcall"].map((instruction) =>
    Object.freeze({
      site: attempt(`movq %rsi, %rax; xorl %ecx, %ecx; xorl %edx, %edx; ${instruction}`),
    }),
  ),
);

/** How many there are. */
export const privilegedCount = privileged.length;

/** Executes all of them, and gives how many were refused with an exception. */
export function tryPrivileged(page: u64): u32 {
  let refused: u32 = 0;
  for (const p of privileged) if (p.site(cell(), page, 0n) !== 0n) refused = u32(refused + 1);
  return refused;
}
