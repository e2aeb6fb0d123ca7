/**
 * The first instructions of a bare guest: entered as a Linux kernel is by the 32-bit boot protocol (Linux
 * Documentation/arch/x86/boot.rst, "32-bit Boot Protocol"), they identity-map 4 GiB, go to long mode (APM vol. 2 §14.6)
 * and keep what the vector and general registers held before anything here wrote them.
 */
import { array, struct } from "../../../dsl/core/layout.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { naked } from "../../asm.ts";
import { gdtGpa, stackGpa, tablesGpa } from "./place.ts";

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

/** A 64-bit code segment and a data segment (APM vol. 2 §4.8). */
const descriptors = [0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn];

const hex = (value: number): string => `0x${value.toString(16)}`;
const storeWord = (at: number, value: number): string => `movl $${hex(value)}, ${hex(at)}`;

/** The entry in front of `main`, which gets the address of boot_params. */
export function startOf(main: (bootParams: u64) => never): () => never {
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
      storeWord(gdtGpa + 0x20, (((gdtGpa & 0xffff) << 16) >>> 0) + 8 * (1 + descriptors.length) - 1),
      storeWord(gdtGpa + 0x24, gdtGpa >>> 16),
      `lgdt ${hex(gdtGpa + 0x20)}`,
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
