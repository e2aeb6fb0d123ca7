/**
 * Where another CPU begins: in real mode at the start of a page below 1 MiB (Intel SDM vol. 3 §9.4.4, APM vol. 2
 * §15.27.8). The code goes through 32-bit protected mode to long mode (APM vol. 2 §14.6) and to a function on a stack of
 * its own. Three pages lie side by side: the code; what it reads and the one word that it writes; a copy of the topmost
 * page table, since CR3 takes 32 bits until long mode is reached.
 */
import { addressOf, AtomicU32, copyBytes, load16, viewOf } from "../../dsl/core/intrinsics.ts";
import { u16, u32, u64 } from "../../dsl/core/int.ts";
import { array, at, offsetOf, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { addressOfFunction, naked } from "../asm.ts";
import { codeDescriptor, codeSelector, dataDescriptor, dataSelector } from "./segments.ts";
import { pageBytes } from "./page-pool.ts";
import { cr4, efer } from "./registers.ts";

/** Pages side by side that a start takes. */
export const startPages = 3n;

const protectedSelector = 0x18;
/** Present, ring 0, 32-bit code that begins at 0. */
const protectedDescriptor = 0x00cf_9b00_0000_ffffn;

/** The second page. */
export const StartData = struct(
  "StartData",
  {
    /** 1 lets one CPU go on; it takes the 1 away, and a CPU that finds 0 halts for good. */
    permit: at(0, AtomicU32),
    /** Far pointers into the code. */
    protectedOffset: at(4, u32),
    protectedSelector: at(8, u16),
    longOffset: at(12, u32),
    longSelector: at(16, u16),
    gdtLimit: at(18, u16),
    gdtBase: at(20, u32),
    lowRoot: at(24, u32),
    cr4: at(28, u32),
    root: at(32, u64),
    /** Top of the stack, the function that is called on it, and its parameter. */
    stack: at(40, u64),
    entry: at(48, u64),
    parameter: at(56, u64),
    gdt: at(64, array(u64, 4)),
  },
  { size: 96 },
);
export type StartData = ValueOf<typeof StartData>;

const field = (name: string): string => String(offsetOf(StartData, name));
const inData = (name: string): string => `${field(name)}(%rbx)`;

/** The code; its first words say how long it is and where its parts begin. */
const code = naked({
  symbol: "cpu.start",
  lines: [
    ".balign 16",
    ".code16",
    ".Lcpu_start:",
    "jmp .Lcpu_real",
    ".balign 4",
    ".short .Lcpu_end-.Lcpu_start, .Lcpu_protected-.Lcpu_start, .Lcpu_long-.Lcpu_start",
    ".Lcpu_real:",
    "cli",
    "cld",
    "movw %cs, %ax",
    "movzwl %ax, %ebx",
    "shll $4, %ebx",
    `addl $${pageBytes}, %ebx`,
    `addw $${pageBytes / 16n}, %ax`,
    "movw %ax, %ds",
    "xorl %eax, %eax",
    `xchgl %eax, ${field("permit")}`,
    "testl %eax, %eax",
    "jz .Lcpu_late",
    `lgdtl ${field("gdtLimit")}`,
    "movl %cr0, %eax",
    "orl $1, %eax",
    "movl %eax, %cr0",
    `ljmpl *${field("protectedOffset")}`,
    ".Lcpu_late:",
    "hlt",
    "jmp .Lcpu_late",
    ".code32",
    ".Lcpu_protected:",
    `movl $${dataSelector}, %eax`,
    ...["ds", "es", "ss"].map((segment) => `movl %eax, %${segment}`),
    `movl ${field("cr4")}(%ebx), %eax`,
    "movl %eax, %cr4",
    `movl ${field("lowRoot")}(%ebx), %eax`,
    "movl %eax, %cr3",
    "movl $0xc0000080, %ecx",
    "rdmsr",
    `orl $${efer.longMode | efer.noExecute}, %eax`,
    "wrmsr",
    "movl %cr0, %eax",
    "orl $0x80000000, %eax",
    "movl %eax, %cr0",
    `ljmpl *${field("longOffset")}(%ebx)`,
    ".code64",
    ".Lcpu_long:",
    // The upper half of RBX is undefined after a change to 64-bit mode.
    "movl %ebx, %ebx",
    `movq ${inData("root")}, %rax`,
    "movq %rax, %cr3",
    `movq ${inData("stack")}, %rsp`,
    `movq ${inData("parameter")}, %rcx`,
    "xorl %ebp, %ebp",
    "pushq %rbp",
    `jmpq *${inData("entry")}`,
    ".Lcpu_end:",
  ],
});

/** Puts the code into three pages below 1 MiB, which the firmware still maps for writing. */
export function placeTrampoline(page: u64): void {
  const start = codeAddress();
  copyBytes(page, start, BigInt(load16(u64(start + lengthAt))));
}

/** Where a CPU goes on behind the trampoline. */
export interface Destination {
  /** The topmost page table, with its levels. */
  readonly root: u64;
  readonly levels: u32;
  readonly stack: u64;
  readonly entry: u64;
  readonly parameter: u64;
}

/** Writes what the code reads, for the next CPU; it may start once `permit` is 1. */
export function prepareStart(page: u64, to: Destination): StartData {
  const start = codeAddress();
  const data = startData(page);
  data.permit.store(0);
  data.protectedOffset = u32(page + BigInt(load16(u64(start + protectedAt))));
  data.protectedSelector = protectedSelector;
  data.longOffset = u32(page + BigInt(load16(u64(start + longAt))));
  data.longSelector = codeSelector;
  data.gdtLimit = 31;
  data.gdtBase = u32(addressOf(data.gdt));
  data.gdt[0] = 0n;
  data.gdt[1] = codeDescriptor;
  data.gdt[2] = dataDescriptor;
  data.gdt[3] = protectedDescriptor;
  const lowRoot = u64(page + 2n * pageBytes);
  copyBytes(lowRoot, to.root, pageBytes);
  data.lowRoot = u32(lowRoot);
  data.cr4 = u32(
    to.levels === 5 ? cr4.physicalAddressExtension | cr4.fiveLevelPaging : cr4.physicalAddressExtension,
  );
  data.root = to.root;
  data.stack = to.stack;
  data.entry = to.entry;
  data.parameter = to.parameter;
  return data;
}

/** The data page of a start. */
export function startData(page: u64): StartData {
  return viewOf(StartData, u64(page + pageBytes));
}

const lengthAt = 4n;
const protectedAt = 6n;
const longAt = 8n;

/** Where the image has the code: it is aligned behind the function's symbol. */
function codeAddress(): u64 {
  return u64((addressOfFunction(code) + 15n) & ~15n);
}
