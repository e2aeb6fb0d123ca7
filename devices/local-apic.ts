/**
 * The local APIC: xAPIC registers behind a window in memory, x2APIC registers behind MSRs (Intel SDM vol. 3 §11; AMD
 * APM vol. 2 §16). One for each virtual CPU. Its timer counts nanoseconds, so its input clock is 1 GHz.
 *
 * Requests and service are 256 bits each in eight words; a summary byte says which words are not zero, so that the
 * highest vector takes two steps to find.
 */
import { u64, u8 } from "../dsl/device/vocabulary.ts";
import {
  type Apic,
  apicId,
  baseAddress,
  baseBsp,
  baseEnable,
  deadlineMode,
  masked,
  modeExtInt,
  modeNmi,
  shape,
} from "./local-apic/shape.ts";
import {
  acknowledge,
  deliver,
  endOfInterrupt,
  pending,
  processorPriority,
  settle,
} from "./local-apic/requests.ts";
import { accept, matches, passesExtInt, send } from "./local-apic/bus.ts";
import { currentCount, expireTimer, startTimer, writeDeadline } from "./local-apic/timer.ts";
import { changeTimerMode, keepMasked, latchErrors, writeBase } from "./local-apic/control.ts";
import { readSynthetic, writeSynthetic } from "./local-apic/synthetic.ts";
import { hasRegister, readRegister, writeRegister } from "./local-apic/x2apic.ts";
/** A local interrupt pin has changed: LINT0 or LINT1. */
function localPin(u: Apic, pin: u8, level: boolean): void {
  if (!level) return;
  const entry = pin === 0 ? u.lvtLint0.value : u.lvtLint1.value;
  if ((entry & masked) !== 0) return;
  const mode = (entry >>> 8) & 7;
  if (mode === 0) deliver(u, entry & 0xff, (entry & 0x8000) !== 0);
  else if (mode === modeNmi) u.nmi.raise(0);
}

/** What the message bus and the processor call: `LocalApicCalls` of the kernel. */
const calls = {
  pending,
  acknowledge,
  passesExtInt,
  accept,
  matches,
  id: apicId,
  readBase: (u: Apic): u64 => u.base,
  writeBase,
  hasRegister,
  readRegister,
  writeRegister,
  readSynthetic,
  writeSynthetic,
  readDeadline: (u: Apic): u64 => (u.lvtTimer.mode === deadlineMode ? u.deadlineTicks : 0n),
  writeDeadline,
  readTaskPriority: (u: Apic): u8 => u8(u.tpr.priority >>> 4),
  writeTaskPriority(u: Apic, priority: u8): void {
    u.tpr.value = (priority & 15) << 4;
    settle(u);
  },
};

/** The local APIC of the virtual CPU with this initial id, 0 to 254; the one with id 0 is the bootstrap processor's. */
export function localApic(initialId: number) {
  const id: u8 = initialId;
  const bootstrap = initialId === 0 ? baseBsp : 0n;
  return shape.implement({
    peek: {
      ppr: { priority: processorPriority },
      currentCount,
    },
    write: {
      eoi: (u, _value) => endOfInterrupt(u),
      esr: (u, _value) => latchErrors(u),
    },
    written: {
      svr: keepMasked,
      icrLow: (u, value) => send(u, u.icrHigh.destination, value),
      lvtTimer(u, _value, old) {
        changeTimerMode(u, old);
        keepMasked(u);
      },
      lvtThermal: keepMasked,
      lvtCounter: keepMasked,
      lvtLint0: keepMasked,
      lvtLint1: keepMasked,
      lvtError: keepMasked,
      initialCount: startTimer,
    },
    expire: { count: expireTimer },
    input: { lint: localPin },
    reset(u) {
      u.initialId = id;
      u.base = baseAddress | baseEnable | bootstrap;
      u.id.id = id;
      // As firmware leaves it: the 8259s reach the bootstrap processor (MultiProcessor Specification 1.4 §3.6.2.2).
      if (id === 0) u.lvtLint0.value = modeExtInt << 8;
    },
    calls,
    queries: ["pending", "passesExtInt", "matches", "id", "hasRegister"],
    settle,
  });
}
