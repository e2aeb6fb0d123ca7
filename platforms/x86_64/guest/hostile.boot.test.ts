import test from "ava";
import type { Machine } from "../../../ci/qemu.ts";
import { assemble, withPayload } from "./testing/payload.ts";

/** The guest has ended; the hypervisor says its state when asked. */
async function answers(machine: Machine): Promise<void> {
  machine.send("?");
  await machine.expect(/typevisor: guest payload is stopped/);
}

/** Payloads that end their guest, and what the notice says. */
const ends: readonly (readonly [string, string, RegExp])[] = [
  [
    "a triple fault",
    "main: movw $0, idtr\n lidt idtr\n ud2",
    /guest payload stopped: triple fault at rip 0x100/,
  ],
  [
    "a jump to unmapped memory",
    "main: movl $0xa0000000, %eax\n jmp *%eax",
    /stopped: an access to physical memory that cannot be performed \(0xa0000000\) at rip 0xa0000000/,
  ],
  [
    "page tables outside memory",
    "main: movl $0xa0000000, %eax\n movl %eax, %cr3\n movl %cr0, %eax\n orl $0x80000000, %eax\n movl %eax, %cr0\n nop",
    /stopped: an access to physical memory/,
  ],
  ["a halt with interrupts off", "main: cli\n hlt", /stopped: halted with interrupts off/],
  ["a stack in a device", "main: movl $0xfec00800, %esp\n int $3", /stopped: an access to physical memory/],
  [
    "a hardware reset",
    "main: movw $0xcf9, %dx\n movb $6, %al\n outb %al, %dx\n1: jmp 1b",
    /guest payload stopped: it asked for a restart/,
  ],
];

for (const [what, code, notice] of ends) {
  test.serial(`${what} stops the guest with a notice that says so`, async (t) => {
    await withPayload(assemble(code), async (machine) => {
      await machine.expect(notice);
      await answers(machine);
      t.pass();
    });
  });
}

test.serial("nonsense in CR0, CR4 and EFER, and absent MSRs, raise general protection", async (t) => {
  const attempts = [
    "movl $0x80000000, %eax\n movl %eax, %cr0",
    "movl $0x20000011, %eax\n movl %eax, %cr0",
    "movl $0x80000000, %eax\n movl %eax, %cr4",
    "movl $0xc0000080, %ecx\n movl $0x1000, %eax\n xorl %edx, %edx\n wrmsr",
    "movl $0xc0000080, %ecx\n movl $2, %eax\n xorl %edx, %edx\n wrmsr",
    "movl $0xc0010117, %ecx\n rdmsr",
    "movl $0x12345678, %ecx\n wrmsr",
    "xorl %ecx, %ecx\n rdpmc",
  ];
  const code = attempts.map(
    (attempt, i) =>
      `movl $next${i}, onFault\n ${attempt}\n jmp wrong\nnext${i}: cmpl $13, %eax\n jne wrong\n testl %edx, %edx\n jnz wrong`,
  );
  const program = `main:\n${code.join("\n")}\n movl $good, %esi\n call say\n1: jmp 1b\nwrong: movl $bad, %esi\n call say\n1: jmp 1b\ngood: .asciz "all refused\\n"\nbad: .asciz "not refused\\n"`;
  await withPayload(assemble(program), async (machine) => {
    const { before } = await machine.expect(/(all|not) refused/);
    t.notRegex(before, /unexpected/);
    t.regex(machine.console, /all refused/);
  });
});

test.serial("instructions of virtualisation do not exist for a guest", async (t) => {
  const attempts = [
    "vmmcall",
    "vmrun %eax",
    "vmload %eax",
    "vmsave %eax",
    "stgi",
    "clgi",
    "invlpga %eax, %ecx",
    "monitor",
    "mwait",
    "rsm",
  ];
  const code = attempts.map(
    (attempt, i) =>
      `movl $next${i}, onFault\n movl $0x2000, %eax\n xorl %ecx, %ecx\n ${attempt}\n jmp wrong\nnext${i}: movl $${i}, %ebp\n cmpl $6, %eax\n jne wrong`,
  );
  const program = `main:\n${code.join("\n")}\n movl $good, %esi\n call say\n1: jmp 1b\nwrong: movl $bad, %esi\n call say\n movl %ebp, %eax\n call hex\n1: jmp 1b\ngood: .asciz "all undefined\\n"\nbad: .asciz "not undefined\\n"`;
  await withPayload(assemble(program), async (machine) => {
    await machine.expect(/(all|not) undefined/);
    t.regex(machine.console, /all undefined/);
  });
});

test.serial("random bytes as code end in a stop at worst", async (t) => {
  let state = 0x2545_f491;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
  const bytes = Array.from({ length: 4096 }, random);
  await withPayload(assemble(`main:\n.byte ${bytes.join(",")}`), async (machine) => {
    await machine.expect(/guest payload stopped|unexpected exception/);
    t.pass();
  });
});

test.serial("random writes to every port and every window end in a stop at worst", async (t) => {
  // Each port in turn with a random value in each width, then random offsets of the devices' windows.
  const program = `
main:
  movl $0x12345678, %ebp
  xorl %edx, %edx
ports:
  call random
  # Not those that end the guest as it may ask to: keyboard controller, port 92, PM1 control, reset register.
  cmpl $0x61, %edx
  jb write
  cmpl $0x64, %edx
  jbe skip
  cmpl $0x8f, %edx
  jb write
  cmpl $0x92, %edx
  jbe skip
  cmpl $0x601, %edx
  jb write
  cmpl $0x605, %edx
  jbe skip
  cmpl $0xcf6, %edx
  jb write
  cmpl $0xcf9, %edx
  jbe skip
write:
  outb %al, %dx
  outw %ax, %dx
  outl %eax, %dx
  inb %dx, %al
  inl %dx, %eax
skip:
  incl %edx
  cmpl $0x10000, %edx
  jb ports
  movl $portsDone, %esi
  call quiet
  movl $20000, %edi
windows:
  call random
  movl %eax, %ebx
  shrl $8, %ebx
  andl $0xffc, %ebx
  movl %eax, %ecx
  andl $3, %ecx
  addl bases(,%ecx,4), %ebx
  call random
  movl %eax, (%ebx)
  movb %al, 1(%ebx)
  movw %ax, 2(%ebx)
  movl (%ebx), %eax
  decl %edi
  jnz windows
  movl $windowsDone, %esi
  call quiet
  cli
  hlt
random:
  imull $1664525, %ebp, %ebp
  addl $1013904223, %ebp
  movl %ebp, %eax
  ret
quiet:
  movw $0xe9, %dx
1: lodsb
  testb %al, %al
  jz 2f
  outb %al, %dx
  jmp 1b
2: ret
bases: .long 0xfee00000, 0xfec00000, 0xfed00000, 0xb0000000
portsDone: .asciz "ports done "
windowsDone: .asciz "windows done "
`;
  await withPayload(assemble(program), async (machine) => {
    await machine.expect("windows done");
    await machine.expect("guest payload stopped: halted with interrupts off");
    await answers(machine);
    t.pass();
  });
});

test.serial("a flood of the console does not keep the hypervisor from the end", async (t) => {
  const program = `main: movl $20000, %ecx\n movw $0x3f8, %dx\n movb $0x78, %al\n1: outb %al, %dx\n loop 1b\n cli\n hlt`;
  await withPayload(assemble(program), async (machine) => {
    await machine.expect("stopped: halted with interrupts off");
    await answers(machine);
    t.pass();
  });
});
