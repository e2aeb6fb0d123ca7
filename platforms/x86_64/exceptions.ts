/**
 * Exceptions in the hypervisor itself. All but NMI mean that it is wrong: the registers and the way there are written
 * to the serial console, and the CPU stops (APM vol. 2 §8).
 */
import { addressOf, load64, text, viewOf } from "../../dsl/core/intrinsics.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { array, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { naked } from "../asm.ts";
import { isCode, isReadable, sayBacktrace, sayPlace } from "./backtrace.ts";
import { say, sayByte, sayBytes, sayDecimal, sayHex } from "./console-text.ts";
import { hostCpus, isGuard, type LocalCpu } from "./cpu.ts";
import { sayMachineChecks } from "./machine-check.ts";
import { cli, readCr0, readCr2, readCr3, readCr4, readRbp, readRsp } from "./instructions.ts";
import { stop, stopIfTold, stopOthers } from "./stop.ts";

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
const pushed = [
  "rax",
  "rcx",
  "rdx",
  "rbx",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
];

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
const frameWords = ExceptionFrame.size / 8;
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
  // GS base may be a guest's here: the stack tells the CPU.
  const cpu = hostCpus.onStack(frameAddress);
  if (u32(frame.vector) === nonMaskable) {
    stopIfTold(cpu.index);
    cpu.nmis = u32(cpu.nmis + 1);
  } else {
    report(cpu, frame);
  }
}

/** Says which CPU it is about, where there are several. */
function sayCpu(cpu: LocalCpu): void {
  if (hostCpus.capacity > 1) {
    say(", CPU ");
    sayDecimal(BigInt(cpu.index));
  }
}

function report(cpu: LocalCpu, frame: ExceptionFrame): never {
  const vector = u32(frame.vector);
  stopOthers(cpu.index);
  say("\ntypevisor stopped: ");
  sayException(vector);
  if (vector === pageFault || vector === doubleFault) {
    const address = readCr2();
    if (isGuard(cpu.stacks, address)) say(", the stack is full");
    say(" at address ");
    sayHex(address, 16);
  }
  say(", error code ");
  sayHex(frame.errorCode, 4);
  sayCpu(cpu);
  say("\n");
  if (vector === machineCheck) sayMachineChecks();
  sayRegisters(frame);
  sayPlace(frame.rip, false);
  // A jump to what is no code has left its way back on the stack.
  if (!isCode(frame.rip) && isReadable(frame.rsp)) sayPlace(load64(frame.rsp), true);
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

/** Names of three letters each, in the order of the frame, and of what the dump begins with. */
const frameNames = text("r15r14r13r12r11r10r9 r8 rdirsirbprbxrdxrcxraxvecerrripcs rflrspss ");
const controlNames = text("cr0cr2cr3cr4");
const controls = storage("controlDump", array(u64, 4));
const registersPerLine = 4;

function sayRegisters(frame: ExceptionFrame): void {
  sayWords(frameNames.address, addressOf(frame), frameWords);
  controls[0] = readCr0();
  controls[1] = readCr2();
  controls[2] = readCr3();
  controls[3] = readCr4();
  sayWords(controlNames.address, addressOf(controls), 4);
}

/** Says words that lie side by side, each with its name of three letters. */
function sayWords(names: u64, words: u64, count: u32): void {
  for (let i = 0; i < count; i++) {
    sayBytes(u64(names + BigInt(i) * 3n), 3);
    sayByte(0x20);
    sayHex(load64(u64(words + BigInt(i) * 8n)), 16);
    sayByte((i + 1) % registersPerLine === 0 || i + 1 === count ? 0x0a : 0x20);
  }
}

/** Where the program itself is wrong: says the text of the place and the way there, and stops. */
export function onTrap(_site: u32, textAddress: u64, textLength: u32): never {
  cli();
  const cpu = hostCpus.onStack(readRsp());
  stopOthers(cpu.index);
  say("\ntypevisor stopped: ");
  sayBytes(textAddress, textLength);
  sayCpu(cpu);
  say("\n");
  sayBacktrace(readRbp());
  stop();
}
