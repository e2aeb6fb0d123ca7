/** Operations that a hypervisor intercepts, and the first touch of memory. */
import { addressOf, volatile } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { asm } from "../../asm.ts";
import { say, sayDecimal } from "../console-text.ts";
import { cpuidEbx, cpuidEcx, in8 } from "../instructions.ts";
import { hasUart } from "./console.ts";
import { recovery } from "./faults.ts";
import { always, timed, type Operation } from "./operation.ts";
import { freshGpa } from "./place.ts";

const ioApicSelect = 0xfec0_0000n;
const ioApicWindow = 0xfec0_0010n;
const ioApicVersion = 1;
const xapicId = 0xfee0_0020n;
/** In the window below 4 GiB where a PC's devices are, and none of those that were asked for. */
const unclaimedAddress = 0xd000_0000n;
/** A port of the ISA bus that no device here has. */
const unclaimedPort = 0x250n;
const lineStatus = 0x3fd;
const transmitterEmpty = 0x20;

const simple = (name: string, instructions: string, operand: u64 = 0n): Operation => {
  const site = timed(instructions);
  return Object.freeze({ name, possible: always, reason: "", take: (): u32 => site(operand) });
};

/** The version register tells an I/O APIC: what nobody claims reads as ones (Intel 82093AA §3.2.2). */
function hasIoApic(): boolean {
  volatile.store32(ioApicSelect, ioApicVersion);
  return volatile.load32(ioApicWindow) !== 0xffff_ffff;
}
const ofIoApic = { possible: hasIoApic, reason: "there is no I/O APIC" };

const outSite = timed("movl $$0x3f8, %edx; xorl %eax, %eax; outb %al, %dx");
/** A byte to a transmitter that is free. */
function sendByte(): u32 {
  for (let i = 0; i < 100_000; i++) if ((in8(lineStatus) & transmitterEmpty) !== 0) break;
  return outSite(0n);
}

const Progress = struct("GuestProgress", {
  /** The next page that nobody has touched. */
  fresh: u64,
  /** What the hypercall was answered with: 0, or an exception's vector plus 1. */
  hypercallFault: u64,
});
const progress = storage("guestProgress", Progress);
progress.fresh = BigInt(freshGpa);

const touchSite = timed("movl %esi, (%rsi)");
function touchFresh(): u32 {
  const page = progress.fresh;
  progress.fresh = u64(page + 4096n);
  return touchSite(page);
}

/** "TCGT": QEMU's translator says that it is a hypervisor, and takes no hypercalls. */
const translator = 0x5447_4354;
/** CPUID leaf 1, ECX: a hypervisor runs below; leaf 0x40000000 tells which. */
const underHypervisor = (): boolean =>
  (cpuidEcx(1, 0) & 0x8000_0000) !== 0 && cpuidEbx(0x4000_0000, 0) !== translator;

/**
 * VMMCALL of number 17 in EAX: Xen's `xen_version`, for KVM one that it does not know; for Typevisor ECX asks for the
 * version, as a fast call. The operand is the recovery cell; R9 tells an exception.
 */
const hypercallSite = asm({
  template: [
    "movq %rbx, %r10; leaq 77f(%rip), %r9; movq %r9, (%rsi); movq %rsi, %r11; xorl %r9d, %r9d",
    "xorl %edi, %edi; xorl %esi, %esi; xorl %ebx, %ebx",
    "rdtsc; shlq $$32, %rdx; orq %rdx, %rax; movq %rax, %rcx",
    "pushq %rcx; pushq %r11; movl $$17, %eax; movl $$0x15400, %ecx; xorl %edx, %edx; vmmcall; 77:",
    "popq %r11; popq %rcx; rdtsc; shlq $$32, %rdx; orq %rdx, %rax; subq %rcx, %rax",
    "movq $$0, (%r11); shlq $$32, %r9; orq %r9, %rax; movq %r10, %rbx",
  ].join("; "),
  constraints: "={rax},{rsi},~{rcx},~{rdx},~{rsi},~{rdi},~{r8},~{r9},~{r10},~{r11},~{memory}",
  params: [u64],
  result: u64,
});
function hypercall(): u32 {
  const got = hypercallSite(addressOf(recovery));
  progress.hypercallFault = u64(got >> 32n);
  return u32(got);
}

/** Tells how a hypercall went that was refused. */
export function tellHypercall(): void {
  if (progress.hypercallFault === 0n) return;
  say("note exit.hypercall refused with exception ");
  sayDecimal(u64(progress.hypercallFault - 1n));
  say(", whose handler is counted too\n");
}

/** The operations. */
export const exits: readonly Operation[] = Object.freeze([
  simple("exit.nothing", "nop"),
  simple("exit.cpuid", "xorl %eax, %eax; cpuid"),
  Object.freeze({
    name: "exit.hypercall",
    possible: underHypervisor,
    reason: "there is no hypervisor",
    take: hypercall,
  }),
  simple("exit.rdmsr", "movl %esi, %ecx; rdmsr", 0x1bn),
  // APIC_BASE again, with what it holds.
  simple("exit.wrmsr", "movl %esi, %ecx; movl $$0xfee00900, %eax; xorl %edx, %edx; wrmsr", 0x1bn),
  simple("exit.in.kernel", "inb $$0x21, %al"),
  simple("exit.in.unclaimed", "movl %esi, %edx; inb %dx, %al", unclaimedPort),
  Object.freeze({
    name: "exit.out.uart",
    possible: hasUart,
    reason: "there is no UART",
    take: sendByte,
  }),
  Object.freeze({ ...simple("exit.mmio.ioapic.read", "movl (%rsi), %eax", ioApicWindow), ...ofIoApic }),
  Object.freeze({
    ...simple("exit.mmio.ioapic.write", `movl $$${ioApicVersion}, (%rsi)`, ioApicSelect),
    ...ofIoApic,
  }),
  simple("exit.mmio.unclaimed", "movl (%rsi), %eax", unclaimedAddress),
  simple("exit.xapic.read", "movl (%rsi), %eax", xapicId),
  simple("exit.cr4", "movq %cr4, %rax; movq %rax, %cr4"),
  Object.freeze({
    name: "memory.first-touch",
    possible: always,
    reason: "",
    take: touchFresh,
  }),
  simple("memory.tlb-flush", "movq %cr3, %rax; movq %rax, %cr3; movl (%rsi), %eax", BigInt(freshGpa)),
]);
