import test from "ava";
import { assemble, withPayload } from "./testing/payload.ts";

/** Model-specific registers that VMLOAD, VMSAVE or a vCPU's start must have cleared, and that a guest may write. */
const msrs = [
  0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0102, 0xc000_0103, 0x174, 0x175, 0x176,
];
const vectors = [0, 1, 2, 3, 4, 5, 6, 7];

/**
 * Looks at every register that is the CPU's rather than the VMCB's, says whether all are as after a reset, fills them,
 * causes exits of several kinds, and says whether they are as they were left.
 */
const looker = `
main:
  movl $badFault, onFault
  xorl %ebp, %ebp
  movl %cr4, %eax
  orl $0x40600, %eax
  movl %eax, %cr4
${[0, 1, 2, 3].map((n) => `  movl %dr${n}, %eax\n  orl %eax, %ebp`).join("\n")}
  stmxcsr scratch
  movl scratch, %eax
  xorl $0x1f80, %eax
  orl %eax, %ebp
  fnstcw scratch
  movzwl scratch, %eax
  xorl $0x37f, %eax
  orl %eax, %ebp
${vectors
  .map(
    (n) => `  movups %xmm${n}, scratch\n${[0, 4, 8, 12].map((at) => `  orl scratch+${at}, %ebp`).join("\n")}`,
  )
  .join("\n")}
  xorl %ecx, %ecx
  xgetbv
  xorl $1, %eax
  orl %eax, %ebp
  orl %edx, %ebp
${msrs.map((msr) => `  movl $${msr}, %ecx\n  rdmsr\n  orl %eax, %ebp\n  orl %edx, %ebp`).join("\n")}
  movl $foundClean, %esi
  testl %ebp, %ebp
  jz 1f
  movl $foundDirty, %esi
1: call say

${[0, 1, 2, 3].map((n) => `  movl $0x${(n + 1) * 11}000, %eax\n  movl %eax, %dr${n}`).join("\n")}
  xorl %ecx, %ecx
  movl $7, %eax
  xorl %edx, %edx
  xsetbv
  movl $0x3f80, scratch
  ldmxcsr scratch
${vectors.map((n) => `  movl $0x${n + 1}5a5a5a, scratch\n  movups scratch, %xmm${n}`).join("\n")}
${msrs.map((msr, i) => `  movl $${msr}, %ecx\n  movl $0x${i + 1}0, %eax\n  xorl %edx, %edx\n  wrmsr`).join("\n")}
  movl $500, %edi
again:
  xorl %eax, %eax
  cpuid
  movw $0x21, %dx
  inb %dx, %al
  movl $0x1b, %ecx
  rdmsr
  movl 0xfec00010, %eax
  decl %edi
  jnz again
  xorl %ebp, %ebp
${[0, 1, 2, 3].map((n) => `  movl %dr${n}, %eax\n  xorl $0x${(n + 1) * 11}000, %eax\n  orl %eax, %ebp`).join("\n")}
  xorl %ecx, %ecx
  xgetbv
  xorl $7, %eax
  orl %eax, %ebp
  stmxcsr scratch
  movl scratch, %eax
  xorl $0x3f80, %eax
  orl %eax, %ebp
${vectors.map((n) => `  movups %xmm${n}, scratch\n  movl scratch, %eax\n  xorl $0x${n + 1}5a5a5a, %eax\n  orl %eax, %ebp`).join("\n")}
${msrs.map((msr, i) => `  movl $${msr}, %ecx\n  rdmsr\n  xorl $0x${i + 1}0, %eax\n  orl %eax, %ebp`).join("\n")}
  movl $foundKept, %esi
  testl %ebp, %ebp
  jz 1f
  movl $foundLost, %esi
1: call say
  cli
  hlt
badFault:
  call hex
  cli
  hlt
foundClean: .asciz "registers clean\\n"
foundDirty: .asciz "registers dirty\\n"
foundKept: .asciz "registers kept\\n"
foundLost: .asciz "registers lost\\n"
  .data
  .balign 16
scratch: .space 16
  .text
`;

test.serial(
  "a guest finds no one's registers at its start, keeps its own through exits, and leaves none",
  async (t) => {
    await withPayload(assemble(looker), async (machine) => {
      await machine.expect(/registers (clean|dirty)/);
      await machine.expect(/registers (kept|lost)/);
      await machine.expect("stopped: halted with interrupts off");
      machine.send("r");
      await machine.expect("guest payload started");
      await machine.expect(/registers (clean|dirty)/);
      await machine.expect(/registers (kept|lost)/);
      t.deepEqual(machine.console.match(/registers \w+/g), [
        "registers clean",
        "registers kept",
        "registers clean",
        "registers kept",
      ]);
    });
  },
);

const turns = 40;

/**
 * Fills every register that a switch of guests must keep with what no other guest has, lets many turns pass, and looks
 * again and again. A guest that finds another's crashes, which the hypervisor tells of either.
 */
const neighbour = `
main:
  movl $badFault, onFault
  movl %cr4, %eax
  orl $0x40600, %eax
  movl %eax, %cr4
  rdtsc
  andl $0xff80, %eax
  orl $0x10, %eax
  movl %eax, seed
  xorl %ecx, %ecx
  shrl $5, %eax
  andl $4, %eax
  orl $3, %eax
  xorl %edx, %edx
  movl %eax, wantedXcr
  xsetbv
${[0, 1, 2, 3].map((n) => `  movl seed, %eax\n  addl $${n}, %eax\n  movl %eax, %dr${n}`).join("\n")}
${vectors.map((n) => `  movl seed, %eax\n  addl $0x${n + 1}0000001, %eax\n  movl %eax, scratch\n  movups scratch, %xmm${n}`).join("\n")}
${msrs.map((msr, i) => `  movl $${msr}, %ecx\n  movl seed, %eax\n  addl $${i}, %eax\n  xorl %edx, %edx\n  wrmsr`).join("\n")}
  movl $${turns}, turns
again:
  rdtsc
  movl %eax, %esi
1: rdtsc
  subl %esi, %eax
  cmpl $8000000, %eax
  jb 1b
  xorl %ecx, %ecx
  xgetbv
  cmpl wantedXcr, %eax
  jne lost
${[0, 1, 2, 3].map((n) => `  movl %dr${n}, %eax\n  subl $${n}, %eax\n  cmpl seed, %eax\n  jne lost`).join("\n")}
${vectors.map((n) => `  movups %xmm${n}, scratch\n  movl scratch, %eax\n  subl $0x${n + 1}0000001, %eax\n  cmpl seed, %eax\n  jne lost`).join("\n")}
${msrs.map((msr, i) => `  movl $${msr}, %ecx\n  rdmsr\n  subl $${i}, %eax\n  cmpl seed, %eax\n  jne lost`).join("\n")}
  decl turns
  jnz again
  movl $foundKept, %esi
  call say
1: jmp 1b
lost:
  lidt nothing
  ud2
badFault: jmp lost
foundKept: .asciz "registers kept among guests\\n"
nothing: .long 0, 0
  .data
  .balign 16
scratch: .space 16
seed: .long 0
wantedXcr: .long 0
turns: .long 0
  .text
`;

test.serial("guests that take turns on a CPU keep their registers to themselves", async (t) => {
  await withPayload(
    assemble(neighbour),
    async (machine) => {
      await machine.expect(/registers kept among guests|guest \w+ stopped/);
      t.notRegex(machine.console, /stopped/);
      t.regex(machine.console, /registers kept among guests/);
    },
    { memoryMiB: 512 },
    "two-payloads",
  );
});

/** Reads and writes device memory in every way in which one instruction can, and compares with what it must be. */
const accesses = `
main:
  movl $badFault, onFault
  movl $0xfec00000, %ebx
  movl $0x10, (%ebx)
  movl $0x00010005, 0x10(%ebx)
  movl $0x00010005, %eax
  cmpl %eax, 0x10(%ebx)
  jne bad
  orl $0x2000, 0x10(%ebx)
  testl $0x2000, 0x10(%ebx)
  jz bad
  andl $~0x2000, 0x10(%ebx)
  btl $16, 0x10(%ebx)
  jnc bad
  movl $0x77, %ecx
  xchgl %ecx, 0x10(%ebx)
  cmpl $0x00010005, %ecx
  jne bad
  movl $0x00010033, %eax
  movl $0x12, (%ebx)
  leal 0x10(%ebx), %edi
  stosl
  movl 0x10(%ebx), %eax
  cmpl $0x00010033, %eax
  jne bad
  leal 0x10(%ebx), %esi
  movl $target, %edi
  movl $1, %ecx
  rep movsl
  cmpl $0x00010033, target
  jne bad
  pushl 0x10(%ebx)
  popl %eax
  cmpl $0x00010033, %eax
  jne bad
  movl $good, %esi
  call say
1: jmp 1b
bad: call hex
badFault: call hex
1: jmp 1b
good: .asciz "accesses fine\\n"
  .data
target: .long 0
  .text
`;

test.serial("device memory is read and written by every kind of instruction", async (t) => {
  await withPayload(assemble(accesses), async (machine) => {
    await machine.expect(/accesses fine|[0-9a-f]{8}\n/);
    t.regex(machine.console, /accesses fine/);
  });
});
