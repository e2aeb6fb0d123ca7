/** Device memory where memory is meant, page tables that lie, and accesses that are half of each. */
import { load32, load64, store64, volatile } from "../../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../../dsl/core/int.ts";
import { StopReason } from "../../../../kernel/domain.ts";
import { readCr3, writeCr3 } from "../../instructions.ts";
import { asm } from "../../../asm.ts";
import { trying } from "../attempts.ts";
import { loadTable } from "../faults.ts";
import { randomWindows } from "../hostile.ts";
import { freshGpa } from "../place.ts";
import { attack, ends, goesOn, refused, type Attack } from "./attack.ts";
import {
  directory,
  directoryPointers,
  largePage,
  mapSideBySide,
  memoryPage,
  present,
  table,
  window,
} from "./mapping.ts";

const ioApic = 0xfec0_0000n;
const ioApicWindow = 0xfec0_0010n;
const nothing = 0xd000_0000n;
const hpet = 0xfed0_0000n;
const vectorPf = 14;

/** Executes and does not come back. */
const last = (instructions: string) =>
  asm({ template: instructions, constraints: "r,~{memory}", params: [u64] });
const doing = (instructions: string, address: u64): (() => u64) => {
  const site = last(instructions);
  return (): u64 => {
    site(address);
    return 0n;
  };
};
const jump = (address: u64) => doing("jmpq *$0", address);
const setTables = (address: u64) => doing("movq $0, %cr3; nop", address);

const stops = (text: string) => ends(StopReason.memoryAccess, `the guest stops: ${text}`);
const unperformed = ends(
  StopReason.emulation,
  "the guest stops: such an instruction is not performed on device memory",
);

const edge = u64(window + 0x1000n);

const load8 = trying("movq (%rsi), %rax");
const store8 = trying("movq %rdx, (%rsi)");

/** Four bytes in memory, four in the device, both ways. */
function halfDevice(): u64 {
  mapSideBySide(memoryPage, nothing);
  store64(u64(memoryPage + 0xff8n), 0n);
  let others: u64 = 0n;
  if (store8(u64(edge - 4n), 0x1122_3344_5566_7788n) !== 0n) others = u64(others + 1n);
  if (load32(u64(memoryPage + 0xffcn)) !== 0x5566_7788) others = u64(others + 1n);
  if (load64(u64(edge - 4n)) !== 0xffff_ffff_5566_7788n) others = u64(others + 1n);
  mapSideBySide(nothing, memoryPage);
  store64(memoryPage, 0n);
  if (store8(u64(edge - 4n), 0x1122_3344_5566_7788n) !== 0n) others = u64(others + 1n);
  if (load64(memoryPage) !== 0x1122_3344n) others = u64(others + 1n);
  return others;
}

/** The second page is not there: nothing is written. */
function halfNothing(): u64 {
  mapSideBySide(nothing, memoryPage);
  store64(u64(table + 8n), 0n);
  writeCr3(readCr3());
  return store8(u64(edge - 4n), 1n);
}

function reservedBits(): u64 {
  mapSideBySide(memoryPage, memoryPage);
  store64(table, u64(memoryPage | present | (1n << 51n)));
  writeCr3(readCr3());
  return load8(window, 0n);
}

const rounds = 300n;
/** One page by its own name, within a page of 2 MiB and within one of 1 GiB, remapped again and again. */
function aliases(): u64 {
  let others: u64 = 0n;
  for (let i = 0n; i < rounds; i = u64(i + 1n)) {
    const page = u64(BigInt(freshGpa) + 0x10_0000n + (i & 15n) * 0x1000n);
    mapSideBySide(page, memoryPage);
    volatile.store64(window, i);
    // The same page in the identity map, and in a page of 1 GiB over all.
    if (volatile.load64(page) !== i) others = u64(others + 1n);
    store64(u64(directoryPointers + 8n * 6n), u64(present | largePage));
    writeCr3(readCr3());
    if (volatile.load64(u64(0x1_8000_0000n + page)) !== i) others = u64(others + 1n);
    store64(directory, u64((BigInt(freshGpa) & ~0x1f_ffffn) | present | largePage));
    writeCr3(readCr3());
    if (volatile.load64(u64(window + (page & 0x1f_ffffn))) !== i) others = u64(others + 1n);
  }
  return others;
}

/** What one instruction can do to a device besides MOV. */
const ways = Object.freeze(
  [
    "lock addl %edx, (%rsi)",
    "lock cmpxchgl %edx, (%rsi)",
    "xchgl %edx, (%rsi)",
    "lock btsq $$63, (%rsi)",
    "movq %rsi, %rdi; addq $$4096, %rdi; movl $$2000, %ecx; rep movsb",
    "movq %rsi, %rdi; movl $$600, %ecx; rep stosq",
    "pushq (%rsi); popq (%rsi)",
    "notb (%rsi); negw (%rsi); incl (%rsi); adcq %rdx, (%rsi)",
    "movl 1(%rsi), %eax; movq 3(%rsi), %rax; movw %ax, 5(%rsi)",
  ].map((instructions) => Object.freeze({ site: trying(instructions) })),
);
const windows = Object.freeze([ioApic, hpet, nothing]);
function everyWay(): u64 {
  let others: u64 = 0n;
  for (let i = 0; i < 3; i++) {
    for (const way of ways) if (way.site(windows[i], 0x1_0101n) !== 0n) others = u64(others + 1n);
  }
  return others;
}

const takeException = doing("movq $0, %rax; ud2", 0n);
function tableInDevice(): u64 {
  loadTable(ioApic, 4095);
  return takeException();
}

const nowhereCanonical = trying("movl (%rsi), %eax");

export const memoryAttacks: readonly Attack[] = [
  attack(
    "half-device",
    "reads and writes across a page of memory and one of a device",
    goesOn("each half goes where it belongs"),
    halfDevice,
  ),
  attack(
    "half-unmapped",
    "writes across a page of a device and one that is not mapped",
    refused(vectorPf),
    halfNothing,
  ),
  attack(
    "tables-reserved",
    "sets a reserved bit in a page-table entry and uses it",
    refused(vectorPf),
    reservedBits,
  ),
  attack(
    "tables-aliases",
    "maps one page by pages of three sizes at once, and again elsewhere, 300 times",
    goesOn("each name shows the same memory"),
    aliases,
  ),
  attack("not-canonical", "reads an address that is not canonical", refused(13), () =>
    nowhereCanonical(0x8000_0000_0000n, 0n),
  ),
  attack(
    "device-every-way",
    "uses locked, string, stack and misaligned instructions on devices",
    goesOn("performed as on memory that does not keep what is written"),
    everyWay,
  ),
  attack("device-random", "writes random values to every window for 2,000 turns", goesOn(), () =>
    randomWindows(2000),
  ),
  attack(
    "fetch-from-device",
    "jumps into the I/O APIC's registers",
    stops("code is not fetched from a device"),
    jump(ioApic),
  ),
  attack(
    "fetch-from-nowhere",
    "jumps to where there is neither memory nor a device",
    stops("there is nothing to fetch"),
    jump(nothing),
  ),
  attack(
    "stack-in-device",
    "takes an exception with its stack in the I/O APIC",
    stops("an exception cannot be delivered there"),
    doing("movq $0, %rsp; ud2", u64(ioApic + 0x800n)),
  ),
  attack(
    "tables-in-device",
    "points CR3 into the I/O APIC",
    stops("a device holds no page tables"),
    setTables(ioApic),
  ),
  attack(
    "tables-nowhere",
    "points CR3 to where there is no memory",
    stops("there are no page tables"),
    setTables(nothing),
  ),
  attack(
    "idt-in-device",
    "loads an interrupt table that lies in the I/O APIC, and takes an exception",
    stops("an exception cannot be delivered from there"),
    tableInDevice,
  ),
  attack(
    "float-from-device",
    "loads a floating-point number from a device",
    unperformed,
    doing("fldl ($0)", ioApicWindow),
  ),
  attack(
    "vector-to-device",
    "stores a vector register to a device",
    unperformed,
    doing("movups %xmm0, ($0)", ioApicWindow),
  ),
];
