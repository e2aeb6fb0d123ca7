/**
 * Exceptions in the hypervisor itself. All but NMI mean that it is wrong: the registers and the way there are written
 * to the serial console, and the CPU stops (APM vol. 2 §8).
 */
import { viewOf } from "../../dsl/core/intrinsics.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../dsl/core/layout.ts";
import { naked } from "../asm.ts";
import { sayBacktrace, sayPlace } from "./backtrace.ts";
import { say, sayByte, sayBytes, sayDecimal, sayHex } from "./console-text.ts";
import { bootCpu, isGuard } from "./cpu.ts";
import { cli, hlt, readCr0, readCr2, readCr3, readCr4, readRbp } from "./instructions.ts";

/** Vectors that the CPU itself uses. */
export const exceptionCount = 32;
const nonMaskable = 2;
const doubleFault = 8;
const pageFault = 14;
const machineCheck = 18;

/** Exceptions that push an error code (APM vol. 2 §8.2). */
const withErrorCode = new Set([8, 10, 11, 12, 13, 14, 17, 21, 29, 30]);

/** Mnemonics of the manuals. */
const exceptionNames = Object.freeze(
  [
    [0, "#DE divide error"],
    [1, "#DB debug"],
    [2, "NMI"],
    [3, "#BP breakpoint"],
    [6, "#UD invalid opcode"],
    [7, "#NM device not available"],
    [8, "#DF double fault"],
    [10, "#TS invalid task state"],
    [11, "#NP segment not present"],
    [12, "#SS stack"],
    [13, "#GP general protection"],
    [14, "#PF page fault"],
    [16, "#MF x87"],
    [17, "#AC alignment check"],
    [18, "#MC machine check"],
    [19, "#XF SIMD"],
    [21, "#CP control protection"],
  ].map(([vector, name]) => Object.freeze({ vector: vector as number, name: name as string })),
);

/** The registers in the order in which the common stub pushes them, last first. */
const pushed = ["rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

/** What lies on the stack when `onException` is called. */
export const ExceptionFrame = struct("ExceptionFrame", {
  r15: u64,
  r14: u64,
  r13: u64,
  r12: u64,
  r11: u64,
  r10: u64,
  r9: u64,
  r8: u64,
  rdi: u64,
  rsi: u64,
  rbp: u64,
  rbx: u64,
  rdx: u64,
  rcx: u64,
  rax: u64,
  vector: u64,
  errorCode: u64,
  rip: u64,
  cs: u64,
  rflags: u64,
  rsp: u64,
  ss: u64,
});
export type ExceptionFrame = ValueOf<typeof ExceptionFrame>;

/** One stub per exception, 16 bytes apart from the first aligned address on, and what they share. */
export const exceptionEntries = naked({
  symbol: "exception.entries",
  lines: [
    ...Array.from({ length: exceptionCount }, (_, vector) => [
      ".balign 16",
      ...(withErrorCode.has(vector) ? [] : ["pushq $0"]),
      `pushq $${vector}`,
      "jmp .Lexception_common",
    ]).flat(),
    ".Lexception_common:",
    ...pushed.map((register) => `pushq %${register}`),
    "cld",
    "movq %rsp, %rcx",
    "movq %rsp, %rbx",
    "andq $-16, %rsp",
    "subq $32, %rsp",
    "callq %{handler}",
    "movq %rbx, %rsp",
    ...[...pushed].reverse().map((register) => `popq %${register}`),
    "addq $16, %rsp",
    "iretq",
  ],
  uses: { handler: onException },
});

/** Interrupt-stack-table entry of an exception: those that can come while the stack is unusable have their own. */
export function stackOf(vector: u32): u8 {
  switch (vector) {
    case doubleFault:
      return 1;
    case nonMaskable:
      return 2;
    case machineCheck:
      return 3;
    default:
      return 0;
  }
}

/** Called by the stubs with the address of the frame. Returns only where the interrupted code can go on. */
export function onException(frameAddress: u64): void {
  const frame = viewOf(ExceptionFrame, frameAddress);
  const vector = u32(frame.vector);
  if (vector === nonMaskable) {
    // GS base may be a guest's here: the CPU's structure is not to be trusted.
    bootCpu.nmis = u32(bootCpu.nmis + 1);
    return;
  }
  say("\ntypevisor stopped: ");
  sayException(vector);
  if (vector === pageFault || vector === doubleFault) {
    const address = readCr2();
    if (isGuard(bootCpu.stacks, address)) say(", the stack is full");
    say(" at address ");
    sayHex(address, 16);
  }
  say(", error code ");
  sayHex(frame.errorCode, 4);
  say("\n");
  sayRegisters(frame);
  sayPlace(frame.rip, false);
  sayBacktrace(frame.rbp);
  stop();
}

function sayException(vector: u32): void {
  for (const known of exceptionNames) {
    if (vector === known.vector) {
      say(known.name);
      return;
    }
  }
  say("exception ");
  sayDecimal(BigInt(vector));
}

function sayRegister(name: string, value: u64): void {
  say(name);
  sayByte(0x20);
  sayHex(value, 16);
  sayByte(0x20);
}

function sayRegisters(frame: ExceptionFrame): void {
  sayRegister("rip", frame.rip);
  sayRegister("rsp", frame.rsp);
  sayRegister("rfl", frame.rflags);
  say("\n");
  sayRegister("rax", frame.rax);
  sayRegister("rbx", frame.rbx);
  sayRegister("rcx", frame.rcx);
  sayRegister("rdx", frame.rdx);
  say("\n");
  sayRegister("rsi", frame.rsi);
  sayRegister("rdi", frame.rdi);
  sayRegister("rbp", frame.rbp);
  sayRegister("r8 ", frame.r8);
  say("\n");
  sayRegister("r9 ", frame.r9);
  sayRegister("r10", frame.r10);
  sayRegister("r11", frame.r11);
  sayRegister("r12", frame.r12);
  say("\n");
  sayRegister("r13", frame.r13);
  sayRegister("r14", frame.r14);
  sayRegister("r15", frame.r15);
  say("\n");
  sayRegister("cr0", readCr0());
  sayRegister("cr2", readCr2());
  sayRegister("cr3", readCr3());
  sayRegister("cr4", readCr4());
  say("\n");
}

/** Where the program itself is wrong: says the text of the place and the way there, and stops. */
export function onTrap(_site: u32, textAddress: u64, textLength: u32): never {
  cli();
  say("\ntypevisor stopped: ");
  sayBytes(textAddress, textLength);
  say("\n");
  sayBacktrace(readRbp());
  stop();
}

/** Stops this CPU for good. */
export function stop(): never {
  for (;;) {
    cli();
    hlt();
  }
}
