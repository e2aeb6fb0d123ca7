/** The local APIC and the I/O APIC: messages that cannot be, and storms of those that can. */
import { volatile } from "../../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../../dsl/core/int.ts";
import { in8, out8, readMsr, writeMsr } from "../../instructions.ts";
import { trying, tryWriteMsr } from "../attempts.ts";
import { budget, nmiCount, stormVector } from "../faults.ts";
import { openLocalApic } from "../interrupts.ts";
import { attack, counted, goesOn, refused, type Attack } from "./attack.ts";
import { startStorm, stopStorm } from "./timer.ts";

// Intel SDM vol. 3 §11.4.1, §11.6.1; 82093AA §3.2.4.
const identifier = 0xfee0_0020n;
const command = 0xfee0_0300n;
const commandHigh = 0xfee0_0310n;
const errors = 0xfee0_0280n;
const ioSelect = 0xfec0_0000n;
const ioWindow = 0xfec0_0010n;
const self = 0x4_4000;
const illegalVector = 0x20;
const apicBase = 0x1b;
const enabled = 1n << 11n;

/** Spins with interrupts on until the budget's last one comes. */
const spinSite = trying("sti; 1: jmp 1b");
const haltSite = trying("1: sti; hlt; jmp 1b");
const selfIpiSite = trying("sti; 1: movl %edx, (%rsi); jmp 1b");

/** Fixed messages with vectors below 16 are not sent, and told in the error register. */
function badVectors(): u64 {
  openLocalApic();
  let others: u64 = 0n;
  for (let vector: u32 = 0; vector < 16; vector = u32(vector + 1)) {
    volatile.store32(errors, 0);
    volatile.store32(command, u32(self | vector));
    volatile.store32(errors, 0);
    if ((volatile.load32(errors) & illegalVector) === 0) others = u64(others + 1n);
  }
  return others;
}

/** Every delivery mode, trigger and level, to processors that there are none of. */
function toNobody(): u64 {
  openLocalApic();
  for (let mode: u32 = 0; mode < 0x1_0000; mode = u32(mode + 0x100)) {
    volatile.store32(commandHigh, 0x7700_0000);
    volatile.store32(command, u32(mode | stormVector));
  }
  volatile.store32(commandHigh, 0);
  return 0n;
}

/** Delivery modes that are reserved, to itself. */
function reservedModes(): u64 {
  openLocalApic();
  for (let i = 0; i < 1000; i++) {
    volatile.store32(command, u32(self | 0x300 | stormVector));
    volatile.store32(command, u32(self | 0x700 | stormVector));
  }
  return 0n;
}

function storm(count: u32, again: boolean, times: u64): u64 {
  startStorm(count, again, times);
  const got = spinSite(0n, 0n);
  stopStorm();
  return got;
}

function haltStorm(): u64 {
  startStorm(100_000, true, 100n);
  const got = haltSite(0n, 0n);
  stopStorm();
  return got;
}

function selfIpiStorm(): u64 {
  openLocalApic();
  budget.value = 2000n;
  return selfIpiSite(command, BigInt(self | stormVector));
}

/** They may merge, and not all be lost. */
function nmiStorm(): u64 {
  openLocalApic();
  nmiCount.value = 0n;
  for (let i = 0; i < 1000; i++) volatile.store32(command, self | 0x400);
  return nmiCount.value > 0n && nmiCount.value <= 1000n ? 0n : 1n;
}

const serial = 0x3f8;
const serialPin = 4;
/** The serial port's transmitter is empty and says so for ever, through a level-triggered pin. */
function stuckLine(): u64 {
  openLocalApic();
  volatile.store32(ioSelect, 0x11 + 2 * serialPin);
  volatile.store32(ioWindow, 0);
  volatile.store32(ioSelect, 0x10 + 2 * serialPin);
  volatile.store32(ioWindow, 0x8000 | stormVector);
  budget.value = 500n;
  out8(serial + 4, 0x0b);
  out8(serial + 1, 2);
  const got = spinSite(0n, 0n);
  volatile.store32(ioSelect, 0x10 + 2 * serialPin);
  volatile.store32(ioWindow, 0x1_0000);
  out8(serial + 1, 0);
  return got;
}

/** The interval timer at its shortest period, through the I/O APIC. */
function shortestInterval(): u64 {
  openLocalApic();
  volatile.store32(ioSelect, 0x15);
  volatile.store32(ioWindow, 0);
  volatile.store32(ioSelect, 0x14);
  volatile.store32(ioWindow, stormVector);
  budget.value = 200n;
  out8(0x43, 0x34);
  out8(0x40, 2);
  out8(0x40, 0);
  const got = spinSite(0n, 0n);
  volatile.store32(ioSelect, 0x14);
  volatile.store32(ioWindow, 0x1_0000);
  out8(0x43, 0x30);
  return got;
}

/** Switches the APIC off and on, which resets it. */
function offAndOn(): u64 {
  const before = readMsr(apicBase);
  let others: u64 = 0n;
  for (let i = 0; i < 200; i++) {
    writeMsr(apicBase, u64(before & ~enabled));
    volatile.load32(identifier);
    writeMsr(apicBase, before);
    if (volatile.load32(identifier) !== 0) others = u64(others + 1n);
  }
  return others;
}

function ends(): u64 {
  openLocalApic();
  for (let i = 0; i < 500; i++) {
    volatile.store32(0xfee0_00b0n, 0);
    out8(0x20, 0x20);
    out8(0xa0, 0x20);
    in8(0x20);
  }
  return 0n;
}

const often = counted(stormVector + 1, "is what the last interrupt gives: they come every 100 microseconds");
const taken = counted(stormVector + 1, "is what the last interrupt gives");

export const interruptAttacks: readonly Attack[] = [
  attack(
    "ipi-bad-vectors",
    "sends itself interrupts with vectors below 16",
    goesOn("not sent, and told in the error status register"),
    badVectors,
  ),
  attack(
    "ipi-to-nobody",
    "sends every kind of interprocessor message to processors that do not exist",
    goesOn(),
    toNobody,
  ),
  attack("ipi-reserved-modes", "sends itself messages of reserved delivery modes", goesOn(), reservedModes),
  attack("ipi-storm", "sends itself interrupts until 2,000 have come", taken, selfIpiStorm),
  attack(
    "nmi-storm",
    "sends itself 1,000 non-maskable interrupts",
    goesOn("some merge, at least one comes"),
    nmiStorm,
  ),
  attack("end-of-nothing", "ends interrupts that are not in service", goesOn(), ends),
  attack(
    "timer-storm",
    "has its timer interrupt every nanosecond, until 200 interrupts have come",
    often,
    () => storm(1, true, 200n),
  ),
  attack("halt-storm", "halts and is woken every 100 microseconds, 100 times", taken, haltStorm),
  attack(
    "interval-storm",
    "runs the 8254 at its shortest period until 200 interrupts have come",
    often,
    shortestInterval,
  ),
  attack(
    "line-stuck",
    "leaves a level-triggered line asserted until it has interrupted 500 times",
    taken,
    stuckLine,
  ),
  attack("apic-moved", "moves its local APIC over its memory", refused(13), () =>
    tryWriteMsr(apicBase, 0x10_0900n),
  ),
  attack(
    "apic-off",
    "switches its local APIC off and on 200 times",
    goesOn("it is as after a reset"),
    offAndOn,
  ),
];
