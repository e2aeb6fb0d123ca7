/**
 * Interrupts from the local APIC: sent to itself, taken at once or out of HLT, and from the timer. First through the
 * APIC's page; then in x2APIC mode, which is not left any more (Intel SDM vol. 3 §11.12.5).
 */
import { addressOf, volatile } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { asm } from "../../asm.ts";
import { cli, cpuidEcx, out8, readMsr, readTsc, sti, writeMsr } from "../instructions.ts";
import { arrival, x2apicVector, xapicVector } from "./faults.ts";
import { always, type Operation } from "./operation.ts";
import { missed } from "./sample.ts";

// Intel SDM vol. 3 §11.4.1, §11.12.1.2.
const spurious = 0xfee0_00f0n;
const command = 0xfee0_0300;
const timerEntry = 0xfee0_0320n;
const initialCount = 0xfee0_0380n;
const divide = 0xfee0_03e0n;
const x2apicSelfIpi = 0x83f;
const x2apicTimer = 0x832;
const tscDeadline = 0x6e0;
const apicBase = 0x1b;
const x2apicEnable = 1n << 10n;
const softwareEnable = 0x1ff;
/** To itself, asserted. */
const toSelf = 0x4_4000;
const deadlineMode = 0x4_0000;
const masked = 0x1_0000;
const divideByOne = 0xb;

/** CPUID leaf 1, ECX. */
const x2apicBit = 1 << 21;
const deadlineBit = 1 << 24;
const hasX2apic = (): boolean => (cpuidEcx(1, 0) & x2apicBit) !== 0;
const hasDeadline = (): boolean => {
  const features = cpuidEcx(1, 0);
  return (features & x2apicBit) !== 0 && (features & deadlineBit) !== 0;
};

const sendByPage = `movl $$${toSelf | xapicVector}, (%rsi)`;
const sendByRegister = `movl $$${x2apicSelfIpi}, %ecx; movl $$${x2apicVector}, %eax; xorl %edx, %edx; wrmsr`;

/** From sending until the handler has returned: taken at once, interrupts being on, or out of HLT. */
const wake = (send: string, halts: boolean): (() => u32) => {
  const site = asm({
    template: [
      halts ? "cli" : "sti",
      `rdtsc; movl %eax, %r8d; ${send}`,
      halts ? "sti; hlt" : "nop",
      "movl $$1000000, %ecx; 1: cmpq $$0, (%rdi); jne 2f; decl %ecx; jnz 1b; 2: rdtsc; subl %r8d, %eax; cli",
    ].join("; "),
    constraints: "={eax},{rdi},{rsi},~{rcx},~{rdx},~{r8},~{memory}",
    params: [u64, u64],
    result: u32,
  });
  return (): u32 => {
    arrival.value = 0n;
    const ticks = site(addressOf(arrival), BigInt(command));
    return arrival.value === 0n ? missed : ticks;
  };
};

/** Far enough for the deadline not to have passed when it is set. */
const deadlineAhead = 300_000n;
const haltSite = asm({ template: "sti; hlt; cli", constraints: "~{memory}", params: [] });

/** From a deadline to the handler's first instruction. */
const late = (halts: boolean) => (): u32 => {
  writeMsr(x2apicTimer, BigInt(deadlineMode | x2apicVector));
  arrival.value = 0n;
  const deadline = u64(readTsc() + deadlineAhead);
  writeMsr(tscDeadline, deadline);
  if (halts) haltSite();
  else runUntilArrival();
  return arrival.value === 0n ? missed : u32(arrival.value - deadline);
};

/** Runs until an interrupt has come, or for so long that none will. */
function runUntilArrival(): void {
  sti();
  for (let i = 0; i < 10_000_000; i++) if (volatile.load64(addressOf(arrival)) !== 0n) break;
  cli();
}

/** From starting the timer with a count to its handler's first instruction; 0 where that never comes. */
function countDown(count: u32): u64 {
  arrival.value = 0n;
  const start = readTsc();
  volatile.store32(initialCount, count);
  runUntilArrival();
  return arrival.value === 0n ? 0n : u64(arrival.value - start);
}

/** Long enough for the timer not to have expired when it is started. */
const shortCount = 100_000;

/**
 * How much later than its count the timer's interrupt comes, whatever the rate at which it counts: twice the time of a
 * count is the time of the double count, and once more what does not depend on the count.
 */
function lateByCount(): u32 {
  volatile.store32(divide, divideByOne);
  volatile.store32(timerEntry, xapicVector);
  const once = countDown(shortCount);
  const twice = countDown(2 * shortCount);
  volatile.store32(timerEntry, masked);
  if (once === 0n || twice === 0n) return missed;
  return once + once < twice ? 0 : u32(once + once - twice);
}

/** Rests, halted, for so many ticks of the counter; in x2APIC mode. */
export function restFor(ticks: u64): void {
  writeMsr(x2apicTimer, BigInt(deadlineMode | x2apicVector));
  writeMsr(tscDeadline, u64(readTsc() + ticks));
  haltSite();
}

/** The 8259s stay silent: only the local APIC may interrupt. */
export function openLocalApic(): void {
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
  volatile.store32(spurious, softwareEnable);
}

/** Switches to x2APIC mode where there is one. */
export function enterX2apic(): void {
  if (hasX2apic()) writeMsr(apicBase, u64(readMsr(apicBase) | x2apicEnable));
}

const operation = (name: string, take: () => u32): Operation =>
  Object.freeze({ name, possible: always, reason: "", take });
const ofDeadline = { possible: hasDeadline, reason: "there is no TSC deadline timer" };

/** Through the APIC's page. */
export const byPage: readonly Operation[] = Object.freeze([
  operation("irq.self-ipi.xapic", wake(sendByPage, false)),
  operation("irq.hlt-wake.xapic", wake(sendByPage, true)),
  operation("irq.timer.count", lateByCount),
]);

/** Through the x2APIC's registers. */
export const byRegister: readonly Operation[] = Object.freeze([
  Object.freeze({
    ...operation("irq.self-ipi", wake(sendByRegister, false)),
    possible: hasX2apic,
    reason: "there is no x2APIC",
  }),
  Object.freeze({
    ...operation("irq.hlt-wake", wake(sendByRegister, true)),
    possible: hasX2apic,
    reason: "there is no x2APIC",
  }),
  Object.freeze({ ...operation("irq.timer", late(false)), ...ofDeadline }),
  Object.freeze({ ...operation("irq.timer.halted", late(true)), ...ofDeadline }),
]);
