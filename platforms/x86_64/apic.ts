/**
 * The host's local APIC, in x2APIC mode where the CPU has it, else through its page (APM vol. 2 §16, Intel SDM vol. 3
 * §11). Its timer is the CPU's one timer.
 */
import { volatile } from "../../dsl/core/intrinsics.ts";
import { u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import { bool, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { never } from "../../kernel/machine.ts";
import { wait } from "../landmark.ts";
import { cpuidEcx, mfence, readMsr, readTsc, writeMsr } from "./instructions.ts";
import { msr } from "./registers.ts";

// Register offsets in the page; the x2APIC's number is a sixteenth of it.
const idRegister: u16 = 0x20;
const taskPriority: u16 = 0x80;
const endOfInterrupt: u16 = 0xb0;
const spurious: u16 = 0xf0;
const inService: u16 = 0x100;
const commandLow: u16 = 0x300;
const commandHigh: u16 = 0x310;
const lvtTimer: u16 = 0x320;
const lvtThermal: u16 = 0x330;
const lvtPerformance: u16 = 0x340;
const lvtLint0: u16 = 0x350;
const lvtLint1: u16 = 0x360;
const lvtError: u16 = 0x370;
const initialCount: u16 = 0x380;
const currentCount: u16 = 0x390;
const divideConfiguration: u16 = 0x3e0;

const masked = 0x1_0000;
const deliverNmi = 0x400;
const deliverInit = 0x500;
const deliverStartUp = 0x600;
const assertLevel = 0x4000;
const deliveryPending = 0x1000;
/** Looks at a command that is still being delivered: far more than one takes. */
const deliveryPolls = 100_000;
const timerTscDeadline = 0x4_0000;
const softwareEnable = 0x100;
const waitForDelivery = wait("for the local APIC to have sent its last message");
/** The vector of spurious interrupts; they are not acknowledged. */
export const spuriousVector = 0xff;
/** Divides the timer's clock by 4: it counts slower than any TSC, and 32 bits last for many seconds. */
const divideBy4 = 1;

const globalEnable = 1n << 11n;
const x2apicEnable = 1n << 10n;

const Apic = struct("HostApic", {
  base: u64,
  x2apic: bool,
  /** The timer takes absolute TSC values. */
  tscDeadline: bool,
  timerVector: u8,
  /** Timer counts per TSC tick, times 2^32. */
  countsPerTick: u64,
});
export type HostApic = ValueOf<typeof Apic>;
/** The same on all CPUs. */
export const hostApic = storage("hostApic", Apic);

function read(register: u16): u32 {
  if (hostApic.x2apic) return u32(readMsr(u32(msr.x2apic + (register >> 4))));
  return volatile.load32(u64(hostApic.base + BigInt(register)));
}

function write(register: u16, value: u32): void {
  if (hostApic.x2apic) writeMsr(u32(msr.x2apic + (register >> 4)), BigInt(value));
  else volatile.store32(u64(hostApic.base + BigInt(register)), value);
}

/** Finds out how the APIC is reached. The page at `address` must be mapped before any other function is called. */
export function openApic(address: u64): void {
  const features = cpuidEcx(1, 0);
  hostApic.base = address;
  hostApic.x2apic = (features & (1 << 21)) !== 0;
  hostApic.tscDeadline = (features & (1 << 24)) !== 0;
}

/** Sets up this CPU's APIC with everything masked but NMI and inter-processor interrupts. */
export function startApic(): void {
  const base = readMsr(msr.apicBase);
  writeMsr(msr.apicBase, u64(base | globalEnable | (hostApic.x2apic ? x2apicEnable : 0n)));
  write(taskPriority, 0);
  write(lvtTimer, masked);
  write(lvtThermal, masked);
  write(lvtPerformance, masked);
  write(lvtLint0, masked);
  write(lvtLint1, deliverNmi);
  write(lvtError, masked);
  write(initialCount, 0);
  write(divideConfiguration, divideBy4);
  write(spurious, softwareEnable | spuriousVector);
}

/** This CPU's APIC id. */
export function apicId(): u32 {
  const id = read(idRegister);
  return hostApic.x2apic ? id : id >>> 24;
}

/** Acknowledges the interrupt in service. */
export function acknowledge(): void {
  write(endOfInterrupt, 0);
}

/**
 * Makes the APIC look again at the interrupts that it holds. Hardware needs no telling. QEMU (7.2, `helper_vmrun`) notes
 * the virtual interrupt of a VMRUN without its lock, and may drop what its other threads note at that moment: a host
 * interrupt then stays in the IRR, and a guest that does not exit has the CPU for good.
 */
export function lookAgain(): void {
  write(taskPriority, 0);
}

/** Whether any interrupt is in service: a spurious one, or one of the 8259s, is not. */
export function isInService(): boolean {
  for (let i = 0; i < 8; i++) {
    if (read(u16(inService + 16 * i)) !== 0) return true;
  }
  return false;
}

/** Gives the command register (ICR) a command for the CPU with an APIC id. */
function command(id: u32, low: u32): void {
  if (hostApic.x2apic) {
    // A WRMSR there does not wait for earlier stores, which the other CPU is to see (Intel SDM vol. 3 §11.12.3).
    mfence();
    writeMsr(u32(msr.x2apic + (commandLow >> 4)), u64((BigInt(id) << 32n) | BigInt(low)));
    return;
  }
  for (let i = 0; i < deliveryPolls; i++) {
    if ((read(commandLow) & deliveryPending) === 0) break;
    waitForDelivery();
  }
  write(commandHigh, u32(id << 24));
  write(commandLow, low);
}

/** Sends a fixed interrupt to the CPU with an APIC id. */
export function sendInterrupt(id: u32, vector: u8): void {
  command(id, vector);
}

/** Sends a non-maskable interrupt. */
export function sendNmi(id: u32): void {
  command(id, assertLevel | deliverNmi);
}

/** Sends INIT: the CPU stops, and waits for a start-up message. */
export function sendInit(id: u32): void {
  command(id, assertLevel | deliverInit);
}

/** Sends the start-up message: a CPU that waits for it begins in real mode at a page below 1 MiB. */
export function sendStartUp(id: u32, page: u64): void {
  command(id, u32(assertLevel | deliverStartUp | (u32(page >> 12n) & 0xff)));
}

/** Whether this host can send to the CPU with an APIC id: through its page only to 8-bit ids, of which 255 means all. */
export function canReach(id: u32): boolean {
  return hostApic.x2apic || id < 0xff;
}

/** Lets the timer run down from its highest count without an interrupt, for `timerCount` to look at. */
export function startTimerMeasurement(): void {
  write(lvtTimer, masked);
  write(initialCount, 0xffff_ffff);
}

/** Counts since `startTimerMeasurement`. */
export function timerCount(): u32 {
  return u32(0xffff_ffff - read(currentCount));
}

/** Lets the timer interrupt with a vector; `counts` went by while the TSC went on by `ticks`. */
export function startTimer(vector: u8, counts: u32, ticks: u64): void {
  write(initialCount, 0);
  hostApic.timerVector = vector;
  if (hostApic.tscDeadline) {
    write(lvtTimer, u32(timerTscDeadline | vector));
    return;
  }
  hostApic.countsPerTick = ticks === 0n ? 0n : u64(u64(BigInt(counts) << 32n) / ticks);
  write(lvtTimer, vector);
}

/** Arms this CPU's timer for an absolute TSC value: a past one at once, `never` not at all. It may come early when far away. */
export function armTimer(deadline: u64): void {
  if (hostApic.tscDeadline) {
    // 0 disarms (Intel SDM vol. 3 §11.5.4.1).
    writeMsr(msr.tscDeadline, deadline === never ? 0n : deadline);
    return;
  }
  write(initialCount, deadline === never ? 0 : countsUntil(deadline, readTsc()));
}

/** Timer counts until a deadline, rounded up; at least 1, at most what the timer holds. */
export function countsUntil(deadline: u64, now: u64): u32 {
  if (deadline <= now) return 1;
  const counts = u64(((u64(deadline - now) * hostApic.countsPerTick) >> 32n) + 1n);
  return counts > 0xffff_ffffn ? 0xffff_ffff : u32(counts);
}
