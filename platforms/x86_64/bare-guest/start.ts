/**
 * The first instructions of a bare guest. Whoever starts it enters 32-bit protected mode with paging off; only where the
 * command line is differs: Linux Documentation/arch/x86/boot.rst, "32-bit Boot Protocol"; Xen docs/misc/pvh.pandoc;
 * Multiboot Specification 0.6.96 §3.2. They identity-map 4 GiB, go to long mode (APM vol. 2 §14.6) and keep what the
 * vector and general registers held before anything here wrote them.
 */
import { array, struct } from "../../../dsl/core/layout.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { naked } from "../../asm.ts";
import { entryBytes, entryKinds, gdtGpa, stackGpa, tablesGpa, type EntryKind } from "./place.ts";

/** What registers held at the start. */
const AtStart = struct(
  "AtStart",
  {
    /** XMM0 to XMM15, two words each. */
    vectors: array(u64, 32),
    /** R8 to R15. */
    general: array(u64, 8),
  },
  { align: 16 },
);
export const atStart = storage("guestAtStart", AtStart, { align: 16 });

const present = 0x3;
const largePage = 0x83;
const pageBytes = 0x1000;
const directories = 4;

/** A 64-bit code segment and a data segment, and user mode's data and code as SYSRET wants them (APM vol. 2 §4.8, §6.1.1). */
const descriptors = [
  0x00af_9b00_0000_ffffn,
  0x00cf_9300_0000_ffffn,
  0x00cf_f300_0000_ffffn,
  0x00af_fb00_0000_ffffn,
];
const gdtRegister = gdtGpa + 0x80;

const hex = (value: number): string => `0x${value.toString(16)}`;
const storeWord = (at: number, value: number): string => `movl $${hex(value)}, ${hex(at)}`;

/** How each entry finds the address of the command line, which may be 0, into ESI. */
const commandLine: Readonly<Record<EntryKind, string>> = {
  linux: "movl 0x228(%esi), %esi",
  pvh: "movl 24(%ebx), %esi",
  multiboot: "movl 16(%ebx), %esi",
};

/** The entries in front of `main`, which gets the address of the command line. */
export function startOf(main: (commandLine: u64) => never): () => never {
  const tables = [
    storeWord(tablesGpa, tablesGpa + pageBytes + present),
    ...Array.from({ length: directories }, (_, i) =>
      storeWord(tablesGpa + pageBytes + 8 * i, tablesGpa + (2 + i) * pageBytes + present),
    ),
  ];
  const gdt = descriptors.flatMap((descriptor, i) => [
    storeWord(gdtGpa + 8 * (i + 1), Number(descriptor & 0xffff_ffffn)),
    storeWord(gdtGpa + 8 * (i + 1) + 4, Number(descriptor >> 32n)),
  ]);
  return naked({
    symbol: "guest.start",
    lines: [
      ".code32",
      ...entryKinds.flatMap((kind) => [`.balign ${entryBytes}`, commandLine[kind], "jmp .Lguest_common"]),
      ".Lguest_common:",
      "cli",
      "cld",
      `movl $${hex(stackGpa)}, %esp`,
      "pushl %esi",
      `movl $${hex(tablesGpa)}, %edi`,
      "xorl %eax, %eax",
      `movl $${((2 + directories) * pageBytes + pageBytes) / 4}, %ecx`,
      "rep stosl",
      ...tables,
      `movl $${hex(tablesGpa + 2 * pageBytes)}, %edi`,
      `movl $${hex(largePage)}, %eax`,
      `movl $${directories * 512}, %ecx`,
      ".Lguest_directory:",
      "movl %eax, (%edi)",
      "addl $0x200000, %eax",
      "addl $8, %edi",
      "decl %ecx",
      "jnz .Lguest_directory",
      ...gdt,
      // The pseudo-descriptor: limit and base.
      storeWord(gdtRegister, (((gdtGpa & 0xffff) << 16) >>> 0) + 8 * (1 + descriptors.length) - 1),
      storeWord(gdtRegister + 4, gdtGpa >>> 16),
      `lgdt ${hex(gdtRegister)}`,
      `movl $${hex(tablesGpa)}, %eax`,
      "movl %eax, %cr3",
      "movl %cr4, %eax",
      // PAE, OSFXSR, OSXMMEXCPT.
      "orl $0x620, %eax",
      "movl %eax, %cr4",
      "movl $0xc0000080, %ecx",
      "rdmsr",
      "orl $0x100, %eax",
      "wrmsr",
      "movl %cr0, %eax",
      "orl $0x80000001, %eax",
      // Not EM, not TS: the vector registers can be used.
      "andl $0xfffffff3, %eax",
      "movl %eax, %cr0",
      "pushl $0x08",
      "calll .Lguest_here",
      ".Lguest_here:",
      "addl $(.Lguest_long-.Lguest_here), (%esp)",
      "lretl",
      ".code64",
      ".Lguest_long:",
      "movw $0x10, %ax",
      ...["ds", "es", "ss", "fs", "gs"].map((segment) => `movw %ax, %${segment}`),
      "leaq %{atStart}(%rip), %rbx",
      ...Array.from({ length: 16 }, (_, i) => `movdqu %xmm${i}, ${16 * i}(%rbx)`),
      ...Array.from({ length: 8 }, (_, i) => `movq %r${8 + i}, ${256 + 8 * i}(%rbx)`),
      `movl ${hex(stackGpa - 4)}, %ecx`,
      `movl $${hex(stackGpa - 64)}, %esp`,
      "callq %{main}",
      "ud2",
    ],
    uses: { atStart, main },
  });
}
