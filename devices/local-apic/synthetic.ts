/**
 * The registers that hypervisor interfaces give a second MSR, which reaches them in whichever mode the local APIC is
 * (TLFS §10.2.2). The command register has the layout of the present mode.
 */
import { u32, u64 } from "../../dsl/device/vocabulary.ts";
import { send } from "./bus.ts";
import { endOfInterrupt, settle } from "./requests.ts";
import { type Apic, isX2 } from "./shape.ts";

/** Reads TPR or ICR, by x2APIC number. */
export function readSynthetic(u: Apic, register: u32): u64 {
  if (register === 0x08) return u64(u.tpr.value);
  return u64((BigInt(u.icrHigh.value) << 32n) | BigInt(u.icrLow.value));
}

/** Writes EOI, TPR or ICR; false where the value is refused. */
export function writeSynthetic(u: Apic, register: u32, value: u64): boolean {
  if (register === 0x30) {
    const high = u32(value >> 32n);
    u.icrHigh.value = high;
    u.icrLow.value = u32(value & 0xc_cfffn);
    // The destination of the xAPIC lies in the upper byte.
    send(u, isX2(u) ? high : u32(high >>> 24), u.icrLow.value);
  } else if (register === 0x08) {
    if (value > 0xffn) return false;
    u.tpr.value = u32(value);
  } else endOfInterrupt(u);
  settle(u);
  return true;
}
