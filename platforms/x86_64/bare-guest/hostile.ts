/** What a guest may do that it should not: each act is one function, and one letter on the console asks for it. */
import { addressOf, store8, volatile } from "../../../dsl/core/intrinsics.ts";
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { asm } from "../../asm.ts";
import { say, sayDecimal } from "../console-text.ts";
import {
  cli,
  hlt,
  in32,
  out16,
  out32,
  out8,
  readCr0,
  readCr3,
  readCr4,
  readMsr,
  ud2,
} from "../instructions.ts";
import { serialSetup } from "../serial.ts";
import {
  privilegedCount,
  tryCr0,
  tryCr3,
  tryCr4,
  tryPrivileged,
  tryReadMsr,
  trySetXcr,
  tryWriteMsr,
} from "./attempts.ts";
import { forgetFaults } from "./faults.ts";
import { random } from "./random.ts";

const jump = asm({ template: "jmpq *$0", constraints: "r,~{memory}", params: [u64] });
const x87OnDevice = asm({ template: "fldl ($0)", constraints: "r,~{memory}", params: [u64] });

const garbage = storage("guestGarbage", struct("GuestGarbage", { bytes: array(u8, 4096) }, { align: 4096 }), {
  align: 4096,
});

/** An exception with no way to deliver it. */
export function tripleFault(): void {
  forgetFaults();
  ud2();
}

/** Executes a page of random bytes, which ends in undefined instructions. */
export function executeGarbage(): void {
  forgetFaults();
  const page = addressOf(garbage);
  for (let i = 0; i < 4096; i++)
    store8(u64(page + BigInt(i)), i < 64 ? u8(random()) : i % 2 === 0 ? 0x0f : 0x0b);
  jump(page);
}

/** Jumps to where there is neither memory nor a device. */
export function jumpToNothing(): void {
  forgetFaults();
  jump(0xc000_0000n);
}

/** Jumps into the registers of the I/O APIC. */
export function jumpToDevice(): void {
  forgetFaults();
  jump(0xfec0_0000n);
}

/** An instruction that has no business with a device's registers. */
export function floatFromDevice(): void {
  x87OnDevice(0xfec0_0010n);
}

/** Halts with interrupts off. */
export function haltForever(): void {
  cli();
  hlt();
}

const efer = 0xc000_0080;
const localApicBase = 0x1b;

/** CR0.PG. */
const pagingBit = 0x8000_0000n;

/** Turns paging off in 64-bit code: #GP (APM vol. 2 §14.6.2). */
export function leaveLongMode(): void {
  const cr0 = readCr0();
  if (tryCr0(u64(cr0 ^ pagingBit), cr0) !== 0n) say("paging stays on\n");
}

/** Sets a bit of CR3 that must be zero: #GP (APM vol. 2 §5.3.2); QEMU stores it, and SVM refuses to go on with it. */
export function reservedBitInCr3(): void {
  const cr3 = readCr3();
  if (tryCr3(u64(cr3 | (1n << 60n)), cr3) !== 0n) say("the bit stays clear\n");
}

/** Sets a bit of CR0 that must be zero: #GP (APM vol. 2 §3.1.1). */
export function reservedBitInCr0(): void {
  const cr0 = readCr0();
  if (tryCr0(u64(cr0 | (1n << 40n)), cr0) !== 0n) say("the bit stays clear\n");
}

/** Flips every bit of CR0[30:0], CR4 and EFER, and writes nonsense to XCR0. */
export function nonsenseInControlRegisters(): void {
  const cr0 = readCr0();
  const cr4 = readCr4();
  const oldEfer = readMsr(efer);
  let refused: u32 = 0;
  for (let bit = 0n; bit < 64n; bit += 1n) {
    const flipped = u64(1n << bit);
    if (bit < 31n && tryCr0(u64(cr0 ^ flipped), cr0) !== 0n) refused = u32(refused + 1);
    if (tryCr4(u64(cr4 ^ flipped), cr4) !== 0n) refused = u32(refused + 1);
    if (tryWriteMsr(efer, u64(oldEfer ^ flipped)) !== 0n) refused = u32(refused + 1);
    tryWriteMsr(efer, oldEfer);
    if (trySetXcr(0, flipped) !== 0n) refused = u32(refused + 1);
  }
  say("control registers: ");
  sayDecimal(BigInt(refused));
  say(" writes refused\n");
}

/** First and last of the ranges of MSRs that are tried. */
const msrRanges = Object.freeze([
  Object.freeze({ from: 0, to: 0x4ff }),
  Object.freeze({ from: 0x800, to: 0x8ff }),
  Object.freeze({ from: 0xda0, to: 0xdaf }),
  Object.freeze({ from: 0x4000_0000, to: 0x4000_01ff }),
  Object.freeze({ from: 0xc000_0000, to: 0xc000_01ff }),
  Object.freeze({ from: 0xc001_0000, to: 0xc001_02ff }),
]);

/** Writes random values to MSRs, and reads them. */
export function nonsenseInMsrs(): void {
  let refused: u32 = 0;
  let tried: u32 = 0;
  for (const r of msrRanges) {
    for (let msr: u32 = r.from; msr <= r.to; msr = u32(msr + 1)) {
      // EFER has its own act. A moved or x2APIC-mode local APIC, and an INIT to itself, would end what follows.
      if (msr !== efer && msr !== localApicBase && msr !== 0x830) {
        tried = u32(tried + 2);
        const value = u64((BigInt(random()) << 32n) | BigInt(random()));
        if (tryReadMsr(msr) !== 0n) refused = u32(refused + 1);
        if (tryWriteMsr(msr, value) !== 0n) refused = u32(refused + 1);
      }
    }
  }
  say("MSRs: ");
  sayDecimal(BigInt(refused));
  say(" of ");
  sayDecimal(BigInt(tried));
  say(" accesses refused\n");
}

/** The hypervisor's own instructions. */
export function nestedVirtualisation(): void {
  const refused = tryPrivileged(addressOf(garbage));
  say("privileged instructions: ");
  sayDecimal(BigInt(refused));
  say(" of ");
  sayDecimal(BigInt(privilegedCount));
  say(" refused\n");
}

/** Writes to the UART without ever looking whether it is ready. */
export function floodUart(): void {
  for (let i = 0; i < 30_000; i++) out8(0x3f8, i % 80 === 79 ? 0x0a : 0x23);
  say("\nflooded\n");
}

const pmTimer = 0x608;
const pmTimerMask = 0xff_ffff;
/** 3.579545 MHz (ACPI §4.8.3.3). */
const minuteOfPmTimer = 214_772_700n;

/** Ports whose purpose is to end the guest: PM1 control, the reset ports. A random value there does just that. */
export function endsGuest(port: u32): boolean {
  if (port >= 0x603 && port <= 0x605) return true;
  return (port >= 0xcf6 && port <= 0xcf9) || (port >= 0x61 && port <= 0x64) || (port >= 0x8f && port <= 0x92);
}

function writePort(port: u16): void {
  if (endsGuest(port)) return;
  const value = random();
  const width = random() & 3;
  if (width === 0) out16(port, u16(value));
  else if (width === 1) out32(port, value);
  else out8(port, u8(value));
}

/** Windows of devices in memory: their first pages. */
const windows = Object.freeze([
  Object.freeze({ base: 0xfec0_0000n, mask: 0xfffn }),
  Object.freeze({ base: 0xfed0_0000n, mask: 0x3ffn }),
  Object.freeze({ base: 0xfee0_0000n, mask: 0xfffn }),
  Object.freeze({ base: 0xb000_0000n, mask: 0xfff_ffffn }),
  Object.freeze({ base: 0xc000_0000n, mask: 0xff_ffffn }),
]);
const interruptCommand = 0xfee0_0300n;

function writeWindow(base: u64, mask: u64): void {
  const offset = u64(BigInt(random()) & mask);
  const address = u64(base + offset);
  const value = u64((BigInt(random()) << 32n) | BigInt(random()));
  // An INIT to itself would end the guest: the interrupt command gets only fixed interrupts.
  if ((address & ~0xfn) === interruptCommand || ((address + 7n) & ~0xfn) === interruptCommand) return;
  const width = random() & 3;
  if (width === 0) volatile.store8(address, u8(value));
  else if (width === 1) volatile.store16(address, u16(value));
  else if (width === 2) volatile.store32(address, u32(value));
  else volatile.store64(address, value);
  volatile.load32(u64(address & ~3n));
}

/** Writes random values to every window, `turns` times. */
export function randomWindows(turns: u32): u64 {
  for (let i: u32 = 0; i < turns; i = u32(i + 1)) for (const w of windows) writeWindow(w.base, w.mask);
  return 0n;
}

/** Writes random values to every port and to every window, for a minute of the guest's own time. */
export function randomWrites(): void {
  let elapsed: u64 = 0n;
  let last: u32 = u32(in32(pmTimer) & pmTimerMask);
  let port: u32 = 0;
  let rounds: u32 = 0;
  while (elapsed < minuteOfPmTimer) {
    for (let i = 0; i < 256; i++) {
      writePort(u16(port));
      port = u32(port + 1) & 0xffff;
      if (port === 0) rounds = u32(rounds + 1);
      for (const w of windows) writeWindow(w.base, w.mask);
    }
    const now = u32(in32(pmTimer) & pmTimerMask);
    elapsed = u64(elapsed + BigInt(u32(now - last) & pmTimerMask));
    last = now;
  }
  serialSetup();
  say("\nrandom writes: every port ");
  sayDecimal(BigInt(rounds));
  say(" times in a minute\n");
}
