/** The registers as MSRs: x2APIC mode. */
import { u32, u64, u8 } from "../../dsl/device/vocabulary.ts";
import { type Apic, firstVector, isX2, sendIllegalVector } from "./shape.ts";
import { deliver, endOfInterrupt, processorPriority, raiseErrors, settle } from "./requests.ts";
import { send, x2LogicalId } from "./bus.ts";
import { currentCount, startTimer } from "./timer.ts";
import { changeTimerMode, keepMasked, latchErrors } from "./control.ts";
/** x2APIC registers by their number in the MSR space (Intel SDM vol. 3 table 11-6). */
export function hasRegister(u: Apic, register: u32): boolean {
  if (!isX2(u)) return false;
  if (register >= 0x10 && register <= 0x28) return true;
  if (register >= 0x32 && register <= 0x39) return true;
  switch (register) {
    case 0x02:
    case 0x03:
    case 0x08:
    case 0x0a:
    case 0x0d:
    case 0x0f:
    case 0x30:
    case 0x3e:
      return true;
    default:
      return false;
  }
}

export function readRegister(u: Apic, register: u32): u64 {
  const word = register & 7;
  if (register >= 0x10 && register <= 0x17) return u64(u.isr[word].value);
  if (register >= 0x18 && register <= 0x1f) return u64(u.tmr[word].value);
  if (register >= 0x20 && register <= 0x27) return u64(u.irr[word].value);
  switch (register) {
    case 0x02:
      return u64(u.initialId);
    case 0x03:
      return 0x5_0014n;
    case 0x08:
      return u64(u.tpr.value);
    case 0x0a:
      return u64(processorPriority(u));
    case 0x0d:
      return u64(x2LogicalId(u));
    case 0x0f:
      return u64(u.svr.value);
    case 0x28:
      return u64(u.esr.value);
    case 0x30:
      return u64((BigInt(u.icrHigh.value) << 32n) | BigInt(u.icrLow.value));
    case 0x32:
      return u64(u.lvtTimer.value);
    case 0x33:
      return u64(u.lvtThermal.value);
    case 0x34:
      return u64(u.lvtCounter.value);
    case 0x35:
      return u64(u.lvtLint0.value);
    case 0x36:
      return u64(u.lvtLint1.value);
    case 0x37:
      return u64(u.lvtError.value);
    case 0x38:
      return u64(u.initialCount.value);
    case 0x39:
      return u64(currentCount(u));
    case 0x3e:
      return u64(u.divide.value);
    default:
      return 0n;
  }
}

/** Bits of a local vector table entry that software may set. */
export const lvtBits = 0x1_a7ffn;

export function writeRegister(u: Apic, register: u32, value: u64): boolean {
  if (!isX2(u)) return false;
  if (register === 0x30) {
    if ((value & 0xfff3_3000n) !== 0n) return false;
    u.icrHigh.value = u32(value >> 32n);
    u.icrLow.value = u32(value);
    send(u, u32(value >> 32n), u32(value));
    settle(u);
    return true;
  }
  if (value > 0xffff_ffffn) return false;
  const low = u32(value);
  switch (register) {
    case 0x08:
      if (low > 0xff) return false;
      u.tpr.value = low;
      break;
    case 0x0b:
      if (low !== 0) return false;
      endOfInterrupt(u);
      break;
    case 0x0f:
      if (low > 0x3ff) return false;
      u.svr.value = low;
      keepMasked(u);
      break;
    case 0x28:
      if (low !== 0) return false;
      latchErrors(u);
      break;
    case 0x32: {
      if ((low & ~0x7_00ff) !== 0) return false;
      const old = u.lvtTimer.value;
      u.lvtTimer.value = low;
      changeTimerMode(u, old);
      keepMasked(u);
      break;
    }
    case 0x33:
      if ((value & ~lvtBits) !== 0n) return false;
      u.lvtThermal.value = low;
      keepMasked(u);
      break;
    case 0x34:
      if ((value & ~lvtBits) !== 0n) return false;
      u.lvtCounter.value = low;
      keepMasked(u);
      break;
    case 0x35:
      if ((value & ~lvtBits) !== 0n) return false;
      u.lvtLint0.value = low;
      keepMasked(u);
      break;
    case 0x36:
      if ((value & ~lvtBits) !== 0n) return false;
      u.lvtLint1.value = low;
      keepMasked(u);
      break;
    case 0x37:
      if ((low & ~0x1_00ff) !== 0) return false;
      u.lvtError.value = low;
      keepMasked(u);
      break;
    case 0x38:
      u.initialCount.value = low;
      startTimer(u);
      break;
    case 0x3e:
      if ((low & ~0xb) !== 0) return false;
      u.divide.value = low;
      break;
    case 0x3f:
      if (low > 0xff) return false;
      if (low < firstVector) raiseErrors(u, sendIllegalVector);
      else deliver(u, u8(low), false);
      break;
    default:
      return false;
  }
  settle(u);
  return true;
}
