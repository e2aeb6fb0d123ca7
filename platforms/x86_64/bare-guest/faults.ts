/**
 * The interrupt-descriptor table of a bare guest. A fault in an attempt (`attempts.ts`) ends the attempt; another one is
 * told and ends the program. An interrupt keeps when it came; its vector says how the local APIC hears of its end.
 */
import { addressOf, store16, store64 } from "../../../dsl/core/intrinsics.ts";
import { u16, u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { addressOfFunction, naked } from "../../asm.ts";
import { say, sayDecimal, sayHex } from "../console-text.ts";
import { cli, hlt, loadIdt } from "../instructions.ts";
import { hasHypercalls, notifyAdministrator } from "./hypercalls.ts";

/** The vector whose handler ends the interrupt through the local APIC's page. */
export const xapicVector = 0x40;
/** The vector whose handler ends the interrupt through the x2APIC's registers. */
export const x2apicVector = 0x41;
/** The vector of the first message of a device; the next one's follows. */
export const messageVector = 0x42;
/** The vector whose handler counts `budget` down, and then leaves the attempt that it interrupts. */
export const stormVector = 0x48;
const nonMaskable = 2;
const exceptions = 32;
const withErrorCode = new Set([8, 10, 11, 12, 13, 14, 17, 21, 29, 30]);
const codeSelector = 0x08n;

/** Where a fault goes on; 0 outside of an attempt. */
export const recovery = storage("guestRecovery", u64Cell("GuestRecovery"));
/** The time-stamp counter when the last interrupt arrived. */
export const arrival = storage("guestArrival", u64Cell("GuestArrival"));
/** How many non-maskable interrupts came. */
export const nmiCount = storage("guestNmiCount", u64Cell("GuestNmiCount"));
/** How many interrupts of `stormVector` there may still be. */
export const budget = storage("guestBudget", u64Cell("GuestBudget"));

/** Reported with the vector and the address where an exception comes that nobody waits for. */
const unexpectedCode = 0xdead_0000n;

const messageCells = Object.freeze([
  storage("guestMessages0", u64Cell("GuestMessages0")),
  storage("guestMessages1", u64Cell("GuestMessages1")),
]);
/** Where it is counted how many messages of each vector have come. */
export const messageCounts = Object.freeze(messageCells.map((cell) => (): u64 => addressOf(cell)));

function u64Cell(name: string) {
  return struct(name, { value: u64 });
}

function unexpected(vector: u64, errorCode: u64, rip: u64): never {
  say("\nexception ");
  sayDecimal(vector);
  say(" error ");
  sayHex(errorCode, 8);
  say(" at ");
  sayHex(rip, 16);
  say("\n");
  if (hasHypercalls()) notifyAdministrator(u32(unexpectedCode | vector), rip);
  cli();
  for (;;) hlt();
}

/** Exception stubs 16 bytes apart. */
const stubs = naked({
  symbol: "guest.exceptions",
  lines: [
    ...Array.from({ length: exceptions }, (_, vector) => [
      ".balign 16",
      ...(withErrorCode.has(vector) ? [] : ["pushq $0"]),
      `pushq $${vector}`,
      vector === nonMaskable ? "jmp .Lguest_nmi" : "jmp .Lguest_exception",
    ]).flat(),
    ".Lguest_exception:",
    "cmpq $0, %{recovery}(%rip)",
    "je .Lguest_unexpected",
    // R9 tells the attempt; the frame's RIP becomes where it goes on.
    "popq %r9",
    "incq %r9",
    "addq $8, %rsp",
    "pushq %{recovery}(%rip)",
    "popq (%rsp)",
    // Not step by step: RFLAGS.TF.
    "andq $~0x100, 16(%rsp)",
    "iretq",
    ".Lguest_unexpected:",
    "popq %rcx",
    "popq %rdx",
    "movq (%rsp), %r8",
    "andq $-16, %rsp",
    "subq $32, %rsp",
    "callq %{unexpected}",
    ".Lguest_nmi:",
    "addq $16, %rsp",
    "incq %{nmiCount}(%rip)",
    "iretq",
  ],
  uses: { recovery, unexpected, nmiCount },
});

/** A handler that keeps the time and ends the interrupt. */
const interruptStub = (symbol: string, endOfInterrupt: readonly string[]) =>
  naked({
    symbol,
    lines: [
      "pushq %rax",
      "pushq %rcx",
      "pushq %rdx",
      "rdtsc",
      "shlq $32, %rdx",
      "orq %rdx, %rax",
      "movq %rax, %{arrival}(%rip)",
      ...endOfInterrupt,
      "popq %rdx",
      "popq %rcx",
      "popq %rax",
      "iretq",
    ],
    uses: { arrival },
  });
// The end-of-interrupt registers: Intel SDM vol. 3 §11.8.5, §11.12.1.2.
const xapicStub = interruptStub("guest.xapic", ["movl $0xfee000b0, %eax", "movl $0, (%rax)"]);
const x2apicStub = interruptStub("guest.x2apic", [
  "movl $0x80b, %ecx",
  "xorl %eax, %eax",
  "xorl %edx, %edx",
  "wrmsr",
]);

/** Handlers that count, and end the interrupt through the local APIC's page. */
const messageStubs = Object.freeze(
  messageCells.map((count, i) =>
    naked({
      symbol: `guest.message${i}`,
      lines: [
        "pushq %rax",
        "incq %{count}(%rip)",
        "movl $0xfee000b0, %eax",
        "movl $0, (%rax)",
        "popq %rax",
        "iretq",
      ],
      uses: { count },
    }),
  ),
);

const stormStub = naked({
  symbol: "guest.storm",
  lines: [
    "pushq %rax",
    "movl $0xfee000b0, %eax",
    "movl $0, (%rax)",
    "popq %rax",
    "decq %{budget}(%rip)",
    "jg .Lguest_storm_on",
    "cmpq $0, %{recovery}(%rip)",
    "je .Lguest_storm_on",
    // As a fault does, and with interrupts off.
    `movl $${stormVector + 1}, %r9d`,
    "pushq %{recovery}(%rip)",
    "popq (%rsp)",
    "andq $~0x200, 16(%rsp)",
    ".Lguest_storm_on:",
    "iretq",
  ],
  uses: { budget, recovery },
});

const entries = storage("guestIdt", struct("GuestIdt", { words: array(u64, 512) }, { align: 16 }), {
  align: 16,
});
const pseudo = storage("guestIdtRegister", struct("GuestIdtRegister", { words: array(u64, 2) }));

/** A 64-bit gate of the kernel's code (APM vol. 2 §4.8.4). */
export function setGate(vector: u32, address: u64): void {
  setAnyGate(vector, address, codeSelector, interruptGate);
}

const interruptGate = 0x8e00n;

/** A gate with any selector and attributes. */
export function setAnyGate(vector: u32, address: u64, selector: u64, attributes: u64): void {
  const at = u64(addressOf(entries) + BigInt(16 * (vector & 255)));
  store64(
    at,
    u64(
      (address & 0xffffn) | (selector << 16n) | (attributes << 32n) | (((address >> 16n) & 0xffffn) << 48n),
    ),
  );
  store64(u64(at + 8n), u64(address >> 32n));
}

/** Builds the table and loads it. */
export function takeFaults(): void {
  const first = addressOfFunction(stubs);
  for (let vector = 0; vector < exceptions; vector++) setGate(vector, u64(first + BigInt(16 * vector)));
  setGate(xapicVector, addressOfFunction(xapicStub));
  setGate(x2apicVector, addressOfFunction(x2apicStub));
  setGate(messageVector, addressOfFunction(messageStubs[0]!));
  setGate(messageVector + 1, addressOfFunction(messageStubs[1]!));

  setGate(stormVector, addressOfFunction(stormStub));
  loadFaults();
}

/** Loads the table, on a further virtual CPU. */
export function loadFaults(): void {
  loadTable(addressOf(entries), 4095);
}

/** Loads a table by its address and its limit. */
export function loadTable(address: u64, limit: u16): void {
  const at = addressOf(pseudo);
  store16(at, limit);
  store64(u64(at + 2n), address);
  loadIdt(at);
}

/** A table without entries: the next exception is a triple fault. */
export function forgetFaults(): void {
  loadTable(0n, 0);
}
