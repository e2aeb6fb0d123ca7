/** Enabling, disabling and resetting. */
import { u32, u64 } from "../../dsl/device/vocabulary.ts";
import { type Apic, baseAddress, baseBsp, baseEnable, baseX2, deadlineMode, masked } from "./shape.ts";
import { settle } from "./requests.ts";
import { stopTimer } from "./timer.ts";

/** A change of the timer's mode stops it where the deadline takes part (Intel SDM vol. 3 §11.5.4.1). */
export function changeTimerMode(u: Apic, old: u32): void {
  const before = (old >>> 17) & 3;
  if (before !== u.lvtTimer.mode && (before === deadlineMode || u.lvtTimer.mode === deadlineMode))
    stopTimer(u);
}

/** While the APIC is disabled by software, its local interrupts stay masked. */
export function keepMasked(u: Apic): void {
  if (u.svr.enabled) return;
  u.lvtTimer.masked = true;
  u.lvtThermal.masked = true;
  u.lvtCounter.masked = true;
  u.lvtLint0.masked = true;
  u.lvtLint1.masked = true;
  u.lvtError.masked = true;
}

export function latchErrors(u: Apic): void {
  u.esr.value = u.pendingErrors;
  u.pendingErrors = 0;
}

/** As after a reset, but for the base register. */
export function resetRegisters(u: Apic): void {
  u.id.value = u32(u.initialId << 24);
  u.tpr.value = 0;
  u.ldr.value = 0;
  u.dfr.value = 0xffff_ffff;
  u.svr.value = 0xff;
  for (let i = 0; i < 8; i++) {
    u.isr[i].value = 0;
    u.tmr[i].value = 0;
    u.irr[i].value = 0;
  }
  u.irrWords = 0;
  u.isrWords = 0;
  u.pendingErrors = 0;
  u.esr.value = 0;
  u.icrLow.value = 0;
  u.icrHigh.value = 0;
  u.lvtTimer.value = masked;
  u.lvtThermal.value = masked;
  u.lvtCounter.value = masked;
  u.lvtLint0.value = masked;
  u.lvtLint1.value = masked;
  u.lvtError.value = masked;
  u.initialCount.value = 0;
  u.divide.value = 0;
  stopTimer(u);
}

export function writeBase(u: Apic, value: u64): boolean {
  const mode = value & (baseEnable | baseX2);
  const before = u.base & (baseEnable | baseX2);
  // The window does not move, and the other bits are reserved.
  if ((value & ~(baseBsp | baseEnable | baseX2)) !== baseAddress) return false;
  // Intel SDM vol. 3 §11.12.5: x2APIC mode is entered from xAPIC mode, and left by disabling.
  if (mode === baseX2) return false;
  if (before === 0n && mode === (baseEnable | baseX2)) return false;
  if (before === (baseEnable | baseX2) && mode === baseEnable) return false;
  u.base = u64((value & ~baseBsp) | (u.base & baseBsp));
  if (mode === 0n && before !== 0n) resetRegisters(u);
  settle(u);
  return true;
}
