/**
 * A kernel for the test of hardware tasks and of 16-bit modes: it switches between tasks in every way there is, runs
 * 16-bit code in protected and in real mode, and tells what it finds.
 */
import { link, loadAddress } from "./payload.ts";

/** Tells a name and 32-bit values (operands). */
const tell = (name: string, ...values: readonly string[]): string => `
  movl $${name}Name, %esi
  call say
  ${values.map((value) => `movl ${value}, %eax\n  call number`).join("\n  ")}
  .data
${name}Name: .asciz "\\n[${name}]"
  .text
`;

const [code, data, mainTask, otherTask, faultTask, shortTask, gate, code16, real16] = [
  0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50,
];
const descriptor = (rights: number, limit: number): string =>
  `.word ${limit & 0xffff}, 0\n  .byte 0, ${rights & 0xff}, ${((rights >> 8) << 4) | (limit >> 16)}, 0`;
const taskState = (name: string, entry: string, stack: string): string => `
${name}: .long 0, 0, 0, 0, 0, 0, 0, 0
  .long ${entry}, 2, 0, 0, 0, 0, ${stack}, 0, 0, 0
  .long ${data}, ${code}, ${data}, ${data}, 0, ${data}, 0
  .word 0, 0x68
`;
/** Where the code of real mode is copied to, and its segment. */
const realAt = 0x2_0000;

const source = `
.section .notes, "a", @note
  .balign 4
  .long 4, 4, 18
  .asciz "Xen"
  .long _start
.text
number:
  pushl %eax
  movb $32, %bl
  call put
  popl %eax
  jmp hex
/* Puts EAX into the descriptor at EDI as its base. */
setBase:
  movw %ax, 2(%edi)
  shrl $16, %eax
  movb %al, 4(%edi)
  movb %ah, 7(%edi)
  ret
/* The type bits of both tasks, the task register, TS, and NT. */
state:
  movzbl gdt + ${mainTask} + 5, %eax
  call number
  movzbl gdt + ${otherTask} + 5, %eax
  call number
  str %ax
  movzwl %ax, %eax
  call number
  movl %cr0, %eax
  andl $8, %eax
  call number
  pushfl
  popl %eax
  andl $0x4000, %eax
  jmp number
main:
  lgdt gdtr
  ljmp $${code}, $1f
1: movl $${data}, %eax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw %ax, %gs
  ${[
    [mainTask, "mainState"],
    [otherTask, "otherState"],
    [faultTask, "faultState"],
    [shortTask, "shortState"],
    [code16, "short16"],
  ]
    .map(([selector, label]) => `movl $gdt + ${selector}, %edi\n  movl $${label}, %eax\n  call setBase`)
    .join("\n  ")}
  movl $${mainTask}, %eax
  ltr %ax
  xorl %eax, %eax
  lldt %ax
  ${tell("start")}
  call state

  /* Status word: LMSW sets TS and cannot clear PE; CLTS clears it. */
  movw $8, status
  lmsw status
  smsw %eax
  movl %eax, status
  clts
  movl %cr0, %eax
  movl %eax, status2
  invd
  ${tell("status", "status", "status2")}

  movl $0x11111111, %ebp
  movl $0, how
  ljmp $${otherTask}, $0
  ${tell("jumped", "%ebp")}
  call state
  movl $1, how
  lcall $${otherTask}, $0
  ${tell("called")}
  call state
  lcall $${gate}, $0
  ${tell("gate")}
  call state

  /* Vector 31 and #GP are tasks. */
  movl $${otherTask} << 16, idt + 31 * 8
  movl $0x8500, idt + 31 * 8 + 4
  movl $2, how
  movl $afterInterrupt, resume
  int $31
afterInterrupt:
  ${tell("interrupted")}
  call state
  movl $${faultTask} << 16, idt + 13 * 8
  movl $0x8500, idt + 13 * 8 + 4
  movl $afterFault, resume
  movl $0x1238, %eax
faulting: movw %ax, %fs
afterFault:
  ${tell("faulted", "error", "$faulting", "faultedAt")}
  call state

  /* A task of a 286, in 16-bit code. */
  movl $0x22222222, %ebp
  lcall $${shortTask}, $0
  ${tell("short", "shortWord", "shortState + 0x12", "%ebp")}
  call state

  /* Real mode. */
  movl $real, %esi
  movl $${realAt}, %edi
  movl $realEnd - real, %ecx
  rep movsb
  movl %esp, stackKept
  lidt realIdt
  movw $realHandler - real, 0x80 * 4
  movw $${realAt >> 4}, 0x80 * 4 + 2
  movl $0x5a5a1234, high
  ljmp $${real16}, $0
back:
  movl $${data}, %eax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movl stackKept, %esp
  movl %ebp, realRound
  lidt idtr
  ${tell("real", "realHigh", "realApic", "realCpuid", "realInterrupts", "realHole", "realRound")}
  ${tell("end")}
  movb $10, %bl
  call put
  cli
1: hlt
  jmp 1b

/* The other task: tells what it finds, and goes back as it is asked to. */
other:
  ${tell("other", "otherState")}
  call state
  cmpl $0, how
  jne 1f
  ljmp $${mainTask}, $0
  jmp other
1: cmpl $2, how
  jne 2f
  /* Bochs 2.7 does not say in EXITINTINFO that an interrupt is software's, and so leaves it as the next instruction. */
  movl resume, %eax
  movl %eax, mainState + 0x20
2: iret
  jmp other

/* The task of #GP: takes the error code from its stack, and lets the other one go on behind the fault. */
faults:
  popl error
  movl mainState + 0x20, %eax
  movl %eax, faultedAt
  movl resume, %eax
  movl %eax, mainState + 0x20
  iret
  jmp faults

.code16
short16:
  movw $0x4321, %ax
  movw %ax, %bp
  smsw %ax
  andw $9, %ax
  .byte 0x67, 0xa3
  .long shortWord
  clts
  invd
  xorw %ax, %ax
  lldt %ax
  movw $0x8765, %ax
  iret
  jmp short16

/* From here on copied to ${realAt}: into real mode with segments as large as in protected mode. */
real:
  movl %cr0, %eax
  andb $0xfe, %al
  movl %eax, %cr0
  ljmp $${realAt >> 4}, $realEntry - real
realEntry:
  movw $${realAt >> 4}, %ax
  movw %ax, %ss
  movw $0xfff0, %sp
  .byte 0x67, 0x66, 0xa1
  .long high
  .byte 0x67, 0x66, 0xa3
  .long realHigh
  /* The local APIC's version, and what the display would hold. */
  .byte 0x67, 0x66, 0xa1
  .long 0xfee00030
  .byte 0x67, 0x66, 0xa3
  .long realApic
  .byte 0x67, 0x66, 0xc7, 0x05
  .long 0xa0000, 0x12345678
  .byte 0x67, 0x66, 0xa1
  .long 0xa0000
  .byte 0x67, 0x66, 0xa3
  .long realHole
  movl $0x12345678, %ebx
  xorl %eax, %eax
  cpuid
  .byte 0x67, 0x66, 0xa3
  .long realCpuid
  movw $3, %cx
1: int $0x80
  loop 1b
  /* A string to the serial port, and bytes of its scratch register back into memory, 16-bit addresses. */
  pushw %cs
  popw %ds
  pushw %cs
  popw %es
  cld
  movw $realText - real, %si
  movw $realTextEnd - realText, %cx
  movw $0x3f8, %dx
  rep outsb
  movw $0x3ff, %dx
  movb $0x96, %al
  outb %al, %dx
  movw $realBuffer - real, %di
  movw $4, %cx
  rep insb
  movl realBuffer - real, %ebp
  movw $1, %ax
  lmsw %ax
  .byte 0x66, 0xea
  .long back
  .word ${code}
realHandler:
  .byte 0x67, 0x66, 0xff, 0x05
  .long realInterrupts
  iret
realText: .ascii "\\n[outs] bytes of real mode"
realTextEnd:
realBuffer: .long 0
realEnd:
.code32
.data
.balign 8
gdt: .quad 0, 0
  ${descriptor(0xc9a, 0xf_ffff)}
  ${descriptor(0xc92, 0xf_ffff)}
  ${descriptor(0x89, 0x67)}
  ${descriptor(0x89, 0x67)}
  ${descriptor(0x89, 0x67)}
  ${descriptor(0x81, 0x2b)}
  .word 0, ${otherTask}, 0x8500, 0
  ${descriptor(0x9a, 0xffff)}
  .word 0xffff, ${realAt & 0xffff}
  .byte ${realAt >> 16}, 0x9a, 0, 0
gdtEnd:
gdtr: .word gdtEnd - gdt - 1
  .long gdt
realIdt: .word 0x3ff
  .long 0
.balign 8
${taskState("mainState", "0", "0")}
${taskState("otherState", "other", "otherStack")}
${taskState("faultState", "faults", "faultStack")}
shortState: .word 0, 0, 0, 0, 0, 0, 0
  .word 0, 2, 0, 0, 0, 0, 0x8000, 0, 0, 0
  .word ${data}, ${code16}, ${data}, ${data}, 0
.balign 8
how: .long 0
status: .long 0
status2: .long 0
error: .long 0
resume: .long 0
faultedAt: .long 0
shortWord: .long 0
stackKept: .long 0
high: .long 0
realHigh: .long 0
realApic: .long 0
realCpuid: .long 0
realInterrupts: .long 0
realHole: .long 0
realRound: .long 0
  .space 1024
otherStack: .space 1024
faultStack: .long 0
`;

/** The kernel as an ELF file that PVH starts. */
export function taskElf(): Buffer {
  const script = `PHDRS { all PT_LOAD; notes PT_NOTE; }
    SECTIONS { . = ${loadAddress};
      .notes : { *(.notes) } :all :notes
      .text : { *(.text) } :all
      .data : { *(.data) } :all }`;
  return link(source, { entry: "_start", script, flat: false });
}
