/**
 * What exits cost, seen from the guest: the time-stamp counter around one instruction, the least of many. Where the
 * counter counts instructions (a deterministic run), these are instructions of the hypervisor, plus 3 for the pair of
 * RDTSC and what is between them.
 */
import { volatile } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { asm } from "../../asm.ts";
import { say, sayDecimal } from "../console-text.ts";
import { cli, out8, readTsc, sti } from "../instructions.ts";
import { timerTicks, timerVector } from "./faults.ts";

const repetitions = 400;

/** Instructions between two readings of the counter's low half. */
const timed = (instructions: string) =>
  asm({
    template: `movq %rbx, %r10; rdtsc; movl %eax, %r8d; ${instructions}; rdtsc; subl %r8d, %eax; movq %r10, %rbx`,
    constraints: "={eax},{rsi},~{rcx},~{rdx},~{r8},~{r10},~{memory}",
    params: [u64],
    result: u32,
  });

const ioApicData = 0xfec0_0010n;
const operations = Object.freeze([
  Object.freeze({ name: "nothing", address: 0n, site: timed("nop") }),
  Object.freeze({ name: "cpuid", address: 0n, site: timed("xorl %eax, %eax; cpuid") }),
  Object.freeze({ name: "rdmsr-apic-base", address: 0x1bn, site: timed("movl %esi, %ecx; rdmsr") }),
  Object.freeze({ name: "in-pm-timer", address: 0x608n, site: timed("movl %esi, %edx; inl %dx, %eax") }),
  Object.freeze({ name: "in-pic-mask", address: 0x21n, site: timed("inb $$0x21, %al; nop") }),
  Object.freeze({ name: "read-ioapic", address: ioApicData, site: timed("movl (%rsi), %eax; nop") }),
  Object.freeze({ name: "write-cr4", address: 0n, site: timed("movq %cr4, %rax; movq %rax, %cr4") }),
]);

function tell(name: string, value: u64): void {
  say("figure ");
  say(name);
  say(" ");
  sayDecimal(value);
  say("\n");
}

// Local APIC registers (Intel SDM vol. 3 §11.4.1).
const localApic = 0xfee0_0000n;
const spurious = u64(localApic + 0xf0n);
const commandLow = u64(localApic + 0x300n);
const timerEntry = u64(localApic + 0x320n);
const initialCount = u64(localApic + 0x380n);
const currentCount = u64(localApic + 0x390n);
const divide = u64(localApic + 0x3e0n);

/** Ticks to wait for an expired timer's interrupt to be pending. */
const afterDue = 200_000n;

/** RDTSC, then STI and HLT; wakes by an interrupt that is due already. */
const haltSite = asm({
  template: "rdtsc; shlq $$32, %rdx; orq %rdx, %rax; sti; hlt; cli",
  constraints: "={rax},~{rdx},~{memory}",
  params: [],
  result: u64,
});

/** From HLT, the timer's interrupt being due, to the first instruction of its handler. */
function haltToWake(): u64 {
  timerTicks.value = 0n;
  volatile.store32(timerEntry, timerVector);
  volatile.store32(initialCount, 2000);
  for (let i = 0; i < 1_000_000; i++) if (volatile.load32(currentCount) === 0) break;
  // Longer than a timer may be late, and any exit finds it due.
  const due = u64(readTsc() + afterDue);
  while (readTsc() < due) continue;
  volatile.load32(currentCount);
  const start = haltSite();
  return u64(timerTicks.value - start);
}

/** From the command to the local APIC to the first instruction of the handler: a self-IPI that is taken at once. */
function selfInterrupt(): u64 {
  timerTicks.value = 0n;
  sti();
  const start = readTsc();
  volatile.store32(commandLow, 0x4_4000 | timerVector);
  for (let i = 0; i < 1_000_000; i++) if (timerTicks.value !== 0n) break;
  cli();
  return u64(timerTicks.value - start);
}

/** Measures everything and says each figure on a line of its own. */
export function measure(): void {
  for (const o of operations) {
    let least: u32 = 0xffff_ffff;
    for (let i = 0; i < repetitions; i++) {
      const cost = o.site(o.address);
      if (cost < least) least = cost;
    }
    tell(o.name, BigInt(least));
  }
  // The 8259s stay silent: only the local APIC may wake the CPU.
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
  volatile.store32(spurious, 0x1ff);
  volatile.store32(divide, 0xb);
  let halt: u64 = 0xffff_ffffn;
  let self: u64 = 0xffff_ffffn;
  for (let i = 0; i < repetitions; i++) {
    const woke = haltToWake();
    if (woke < halt) halt = woke;
    const sent = selfInterrupt();
    if (sent < self) self = sent;
  }
  tell("hlt-to-timer-wake", halt);
  tell("self-ipi", self);
  say("measured\n");
}
