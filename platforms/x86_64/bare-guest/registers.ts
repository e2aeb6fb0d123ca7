/**
 * Whether anything of the hypervisor or of an earlier life of the guest shows in registers: at the start all must be
 * clear, and across exits all must stay.
 */
import { addressOf, fillBytes, load64, store64 } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { asm } from "../../asm.ts";
import { say, sayDecimal, sayHex } from "../console-text.ts";
import {
  readCr2,
  readDr0,
  readDr1,
  readDr2,
  readDr3,
  readMsr,
  writeCr2,
  writeDr0,
  writeDr1,
  writeDr2,
  writeDr3,
  writeMsr,
} from "../instructions.ts";
import { atStart } from "./start.ts";

/** MSRs that are 0 after a reset: SYSENTER (Intel SDM vol. 3 §6.8.7), STAR, LSTAR, CSTAR, SFMASK, KERNEL_GS_BASE, TSC_AUX. */
const clearMsrs = Object.freeze([
  0x174, 0x175, 0x176, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0102, 0xc000_0103,
] as const);
const debugRegisters = Object.freeze([
  Object.freeze({ read: readDr0, write: writeDr0 }),
  Object.freeze({ read: readDr1, write: writeDr1 }),
  Object.freeze({ read: readDr2, write: writeDr2 }),
  Object.freeze({ read: readDr3, write: writeDr3 }),
]);
const mark = 0x5eed_0000_0000_0000n;
/** A canonical address, for MSRs that hold one. */
const canonicalMark = 0x5eed_0000n;

const loadVectors = asm({
  template: Array.from({ length: 16 }, (_, i) => `movdqu ${16 * i}($0), %xmm${i}`).join("; "),
  constraints: "r,~{memory}",
  params: [u64],
});

const Page = struct("GuestRegisters", { words: array(u64, 64) }, { align: 16 });
const expected = storage("guestRegistersExpected", Page, { align: 16 });
const found = storage("guestRegistersFound", Page, { align: 16 });

/** Registers of the general file that a site may fill: RSP stays, RAX and RDX take the instruction's results. */
const kept = ["rbx", "rcx", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13"];

/**
 * Fills the registers from R14, executes, and stores them at R15. RCX must suit the instruction. What the code
 * generator may hold in RBX and RBP is on the stack meanwhile.
 */
const across = (instruction: string) =>
  asm({
    template: [
      "pushq %rbx",
      "pushq %rbp",
      ...Array.from({ length: 16 }, (_, i) => `movdqu ${256 + 16 * i}(%r14), %xmm${i}`),
      ...kept.map((register, i) => `movq ${8 * i}(%r14), %${register}`),
      "movl $$0x21, %edx",
      "xorl %eax, %eax",
      instruction,
      ...kept.map((register, i) => `movq %${register}, ${8 * i}(%r15)`),
      ...Array.from({ length: 16 }, (_, i) => `movdqu %xmm${i}, ${256 + 16 * i}(%r15)`),
      "popq %rbp",
      "popq %rbx",
    ].join("; "),
    constraints:
      "{r14},{r15},~{rax},~{rcx},~{rdx},~{rsi},~{rdi},~{r8},~{r9},~{r10},~{r11},~{r12},~{r13},~{memory}",
    params: [u64, u64],
  });

/** One site per kind of exit; CPUID fills RBX and RCX, and is put back by itself. */
const exits = Object.freeze([
  Object.freeze({ name: "in", site: across("inb %dx, %al") }),
  Object.freeze({ name: "out", site: across("outb %al, $$0x80") }),
  Object.freeze({
    name: "rdmsr",
    site: across("movq %rcx, %r12; movl $$0x1b, %ecx; rdmsr; movq %r12, %rcx; movq 72(%r14), %r12"),
  }),
  Object.freeze({
    name: "cpuid",
    site: across(
      "movq %rcx, %r12; movq %rbx, %r13; cpuid; movq %r12, %rcx; movq %r13, %rbx; movq 72(%r14), %r12; movq 80(%r14), %r13",
    ),
  }),
  Object.freeze({ name: "memory", site: across("movl $$0xfee00020, %eax; movl (%rax), %eax") }),
  Object.freeze({ name: "cr4", site: across("movq %cr4, %rax; movq %rax, %cr4") }),
]);

/** Fills registers with a pattern and looks at them after each kind of exit. */
export function checkAcrossExits(): void {
  const from = addressOf(expected);
  const to = addressOf(found);
  for (let i = 0n; i < 64n; i += 1n) store64(u64(from + 8n * i), u64(mark + i * 0x0101_0101n));
  for (let i = 0; i < 4; i++) {
    let at = 0;
    for (const d of debugRegisters) {
      if (at === i) d.write(u64(mark + BigInt(i)));
      at = at + 1;
    }
  }
  let changed: u32 = 0;
  for (const e of exits) {
    fillBytes(to, 0, 512n);
    e.site(from, to);
    for (let i = 0n; i < 64n; i += 1n) {
      const isKept = i < BigInt(kept.length) || i >= 32n;
      if (isKept && load64(u64(from + 8n * i)) !== load64(u64(to + 8n * i))) {
        changed = u32(changed + 1);
        say("after ");
        say(e.name);
        say(" word ");
        sayDecimal(i);
        say(" is ");
        sayHex(load64(u64(to + 8n * i)), 16);
        say("\n");
      }
    }
  }
  let number: u64 = 0n;
  for (const d of debugRegisters) {
    if (d.read() !== u64(mark + number)) changed = u32(changed + 1);
    number = u64(number + 1n);
  }
  say("registers changed across exits: ");
  sayDecimal(BigInt(changed));
  say("\n");
}

/** Leaves a mark wherever a later life of this guest could find one. */
export function markRegisters(): void {
  for (const d of debugRegisters) d.write(mark);
  for (const msr of clearMsrs) writeMsr(msr, canonicalMark);
  writeCr2(mark);
  for (let i = 0n; i < 64n; i += 1n) store64(u64(addressOf(expected) + 8n * i), u64(mark + i));
  loadVectors(addressOf(expected));
}

/** How many registers of the processor that asks are not clear, of those that no code has used before. */
export function registersInUse(): u32 {
  let dirty: u32 = 0;
  for (const d of debugRegisters) if (d.read() !== 0n) dirty = u32(dirty + 1);
  if (readCr2() !== 0n) dirty = u32(dirty + 1);
  for (const msr of clearMsrs) if (readMsr(msr) !== 0n) dirty = u32(dirty + 1);
  return dirty;
}

/** Says which registers were not clear when the guest started. */
export function tellStart(): void {
  let dirty = registersInUse();
  for (let i = 0; i < 32; i++) if (atStart.vectors[i] !== 0n) dirty = u32(dirty + 1);
  for (let i = 0; i < 8; i++) if (atStart.general[i] !== 0n) dirty = u32(dirty + 1);
  say("registers in use at the start: ");
  sayDecimal(BigInt(dirty));
  say("\n");
}
