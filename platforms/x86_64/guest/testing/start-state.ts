/**
 * A kernel for the tests of loaders: enterable by PVH and by both versions of multiboot, it tells with which registers it was entered and
 * what it finds in memory, and starts again when a byte arrives.
 */
import { link, loadAddress } from "./payload.ts";

/** What the kernel tells of its registers, in this order. */
export const told = [
  ...["eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp"],
  ...["cr0", "cr3", "cr4", "eflags", "efer"],
  ...["cs", "ds", "es", "fs", "gs", "ss"].flatMap((s) => [`${s}Rights`, `${s}Limit`]),
] as const;
/** Bytes that it tells from where EBX points. */
export const infoBytes = 0x400;

const segments = ["cs", "ds", "es", "fs", "gs", "ss"];
const registers = ["eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp"];

/** Writes `words` 32-bit words from `at` (an operand) after a name. */
const tellWords = (name: string, at: string, words: number): string => `
  movl $${name}Name, %esi
  call say
  movl ${at}, %esi
  movl $${words}, %ecx
  call dump
  .data
${name}Name: .asciz "\\n[${name}] "
  .text
`;

/**
 * The header of multiboot 2, which requires modules, a map of memory, the RSDP and aligned modules, and would like a
 * framebuffer; with address fields also an entry point.
 */
function header2(addressFields: boolean): string {
  const fields = `
  .word 2, 0
  .long 24, header2, header, dataEnd, bssEnd
  .word 3, 0
  .long 12, entered, 0`;
  return `
.balign 8
header2:
  .long 0xe85250d6, 0, header2End - header2, -(0xe85250d6 + header2End - header2)
  .word 1, 0
  .long 20, 3, 6, 15, 0
  .word 6, 0
  .long 8
  .word 5, 1
  .long 20, 0, 0, 0, 0
  ${addressFields ? fields : ""}
  .word 0, 0
  .long 8
header2End:
`;
}

/** The kernel's code: 32-bit AT&T. A section of notes, and multiboot headers with or without address fields. */
function source(addressFields: boolean): string {
  const flags = 0x3 + (addressFields ? 0x1_0000 : 0);
  return `
.section .header, "a"
.balign 8
header:
  .long 0x1badb002, ${flags}, -(0x1badb002 + ${flags})
  ${addressFields ? ".long header, header, dataEnd, bssEnd, entered" : ""}
  ${header2(addressFields)}
.section .notes, "a", @note
  .balign 4
  .long 6, 3, 1
  .asciz "Other"
  .balign 4
  .byte 1, 2, 3
  .balign 4
  .long 4, 4, 18
  .asciz "Xen"
  .long entered
.section .bss
marker: .space 64
.text
.globl entered
entered:
  ${registers.map((r, i) => `movl %${r}, registers + ${4 * i}`).join("\n  ")}
  movl %cr0, %eax
  movl %eax, registers + 32
  movl %cr3, %eax
  movl %eax, registers + 36
  movl %cr4, %eax
  movl %eax, registers + 40
  movl $stackTop, %esp
  pushfl
  popl registers + 44
  movl $0xc0000080, %ecx
  rdmsr
  movl %eax, registers + 48
  ${segments
    .map(
      (s, i) => `movw %${s}, %ax
  movzwl %ax, %eax
  larl %eax, %edx
  movl %edx, registers + ${52 + 8 * i}
  lsll %eax, %edx
  movl %edx, registers + ${56 + 8 * i}`,
    )
    .join("\n  ")}
  jmp _start
.data
registers: .space ${4 * told.length}
.text
dump:
  pushl %ecx
  lodsl
  pushl %esi
  call hex
  popl %esi
  movb $32, %bl
  call put
  popl %ecx
  loop dump
  ret
tellModule:
  ${tellWords("module", "moduleAt", 4)}
  ret
main:
  ${tellWords("bss", "$marker", 16)}
  ${tellWords("registers", "$registers", told.length)}
  ${tellWords("info", "registers + 4", infoBytes / 4)}
  cmpl $0x36d76289, registers
  je tags
  /* The list of modules: its address at 16 with entries of 32 bytes, or at 24 with entries of 16 bytes. */
  movl registers + 4, %ebp
  movl 12(%ebp), %eax
  movl 16(%ebp), %edx
  movl $32, %ecx
  cmpl $0x2badb002, registers
  jne 1f
  movl 20(%ebp), %eax
  movl 24(%ebp), %edx
  movl $16, %ecx
1: movl %eax, left
  movl %edx, entryAt
  movl %ecx, stride
modules:
  cmpl $0, left
  je rest
  movl entryAt, %eax
  movl (%eax), %eax
  movl %eax, moduleAt
  call tellModule
  movl stride, %eax
  addl %eax, entryAt
  decl left
  jmp modules
  jmp rest
tags:
  /* Those of multiboot 2, of which type 3 is a module. */
  movl registers + 4, %ebp
  addl $8, %ebp
nextTag:
  cmpl $3, (%ebp)
  jne 2f
  movl 8(%ebp), %eax
  movl %eax, moduleAt
  call tellModule
2: movl 4(%ebp), %eax
  addl $7, %eax
  andl $~7, %eax
  cmpl $0, (%ebp)
  leal (%ebp, %eax), %ebp
  jne nextTag
rest:
  movl $0x5a5a5a5a, marker
  movl $0x5a5a5a5a, marker + 60
  ${tellWords("end", "$marker", 1)}
wait:
  movw $0x3fd, %dx
  inb %dx, %al
  testb $1, %al
  jz wait
  movw $0xcf9, %dx
  movb $6, %al
  outb %al, %dx
  jmp .
.data
left: .long 0
entryAt: .long 0
stride: .long 0
moduleAt: .long 0
`;
}

/** The kernel as an ELF file; its entry point for multiboot is the same as for PVH. */
export function startStateElf(): Buffer {
  const script = `PHDRS { all PT_LOAD; notes PT_NOTE; }
    SECTIONS { . = ${loadAddress};
      .header : { *(.header) } :all
      .notes : { *(.notes) } :all :notes
      .text : { *(.text) } :all
      .data : { *(.data) dataEnd = .; } :all
      .bss : { *(.bss) bssEnd = .; } :all }`;
  return link(source(false), { entry: "entered", script, flat: false });
}

/** The kernel as a flat file whose multiboot header says where it goes. */
export function startStateFlat(): Buffer {
  const script = `SECTIONS { . = ${loadAddress};
      .all : { *(.header) *(.notes) *(.text) *(.data) dataEnd = .; }
      .bss : { *(.bss) bssEnd = .; } }`;
  return link(source(true), { entry: "entered", script, flat: true });
}
