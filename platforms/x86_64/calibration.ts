/**
 * The rate of the TSC and of the local APIC's timer, measured against a counter of known rate: the ACPI PM timer, or
 * channel 2 of the 8254 where there is no ACPI. QEMU's and many real CPUs' CPUID does not tell it.
 */
import { idiv } from "../../dsl/core/intrinsics.ts";
import { u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { HostAcpi } from "./acpi/host-acpi.ts";
import { startTimerMeasurement, timerCount } from "./apic.ts";
import { in32, in8, out8, pause, readTscOrdered } from "./instructions.ts";

/** Rates in Hz (ACPI 6.5 §4.8.2.1; Intel 8254 datasheet with the PC's crystal). */
const pmTimerHz = 3_579_545n;
const pitHz = 1_193_182n;

const pitChannel2 = 0x42;
const pitCommand = 0x43;
const pitGate = 0x61;
/** Channel 2, both bytes, mode 0, binary. */
const pitCount = 0xb0;
const pitLatch = 0x80;

/** How long the measurement takes: 1/50 s, so that an error of one reference tick is below 20 ppm. */
const windowPart = 50n;
/** Readings of which the one with the narrowest bracket counts: an interruption between two counters spoils one. */
const readings = 8;
/** Looks at a reference that does not move before it is given up. */
const maxLooks = 50_000_000;

const Sample = struct("ClockSample", { tsc: u64, reference: u32, counts: u32 });
type Sample = ValueOf<typeof Sample>;
const begin = storage("sampleBegin", Sample);
const end = storage("sampleEnd", Sample);

const Rates = struct("HostRates", {
  /** TSC ticks per second; 0 where nothing could be measured. */
  tscHz: u64,
  /** What went by in the measured window, on both clocks. */
  tscTicks: u64,
  timerCounts: u32,
});
export type HostRates = ValueOf<typeof Rates>;
export const hostRates = storage("hostRates", Rates);

/** Reads the reference, which counts up and wraps at `referenceMask`. */
function readReference(pmTimerPort: u16): u32 {
  if (pmTimerPort !== 0) return in32(pmTimerPort);
  out8(pitCommand, pitLatch);
  const low = in8(pitChannel2);
  const high = in8(pitChannel2);
  return 0xffff - (low | (high << 8));
}

function sample(into: Sample, pmTimerPort: u16): void {
  let best: u64 = 0xffff_ffff_ffff_ffffn;
  for (let i = 0; i < readings; i++) {
    const before = readTscOrdered();
    const reference = readReference(pmTimerPort);
    const counts = timerCount();
    const after = readTscOrdered();
    const width = u64(after - before);
    if (width < best) {
      best = width;
      into.tsc = u64(before + (width >> 1n));
      into.reference = reference;
      into.counts = counts;
    }
  }
}

/** Measures; takes 20 ms. Interrupts are off, and the local APIC is started. False: the reference stands still. */
export function measureRates(acpi: HostAcpi): boolean {
  const port = acpi.present ? acpi.pmTimerPort : 0;
  const mask = port === 0 ? 0xffff : acpi.pmTimerWide ? 0xffff_ffff : 0xff_ffff;
  const hz = port === 0 ? pitHz : pmTimerHz;
  if (port === 0) startPit();
  startTimerMeasurement();
  sample(begin, port);
  const window = u32(hz / windowPart);
  let looks = 0;
  while (u32((readReference(port) - begin.reference) & mask) < window) {
    pause();
    looks = looks + 1;
    if (looks >= maxLooks) return false;
  }
  sample(end, port);
  hostRates.tscTicks = u64(end.tsc - begin.tsc);
  hostRates.timerCounts = u32(end.counts - begin.counts);
  hostRates.tscHz = rateOf(hostRates.tscTicks, u32((end.reference - begin.reference) & mask), hz);
  return hostRates.tscHz !== 0n;
}

/** Ticks per second of what made `ticks` while a reference of `hz` made `reference`. */
export function rateOf(ticks: u64, reference: u32, hz: u64): u64 {
  if (reference === 0) return 0n;
  return u64(u64(ticks * hz + BigInt(idiv(reference, 2))) / BigInt(reference));
}

/** Starts channel 2 from its highest count, with the speaker off (Intel 8254 datasheet; port 61h of the PC/AT). */
function startPit(): void {
  out8(pitGate, u8((in8(pitGate) & ~2) | 1));
  out8(pitCommand, pitCount);
  out8(pitChannel2, 0xff);
  out8(pitChannel2, 0xff);
}
