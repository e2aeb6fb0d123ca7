/**
 * The reset control register at port 0xcf9 (Intel ICH9 datasheet §13.7.5, RST_CNT). The register and what a write of it
 * does are apart from the device, so that a PCI host bridge can hold it as an overlay of its address register, which
 * lies at the same ports.
 */
import { bank, bit, device, rw, signal, u8 } from "../dsl/device/vocabulary.ts";

/** What a reset signal's value means. */
export enum ResetKind {
  /** INIT of the processors: caches and devices keep their content. */
  processor = 0,
  /** Everything is reset. */
  system = 1,
  /** Everything is reset, and power goes away and comes back. */
  power = 2,
}

/** Fields of RST_CNT: system reset, reset processor, full reset. */
export const resetControlFields = Object.freeze({
  system: bit(1, "What bit 2 resets: 0 the processors alone, 1 everything."),
  processor: bit(2, "A 1 where there was a 0 resets."),
  full: bit(3, "With bit 1, power goes away and comes back."),
});

const system = 0x02;
const processor = 0x04;
const full = 0x08;

/** Whether a write resets: bit 2 goes from 0 to 1. */
export function resets(value: u8, old: u8): boolean {
  return (value & ~old & processor) !== 0;
}

/** What kind of reset a value of RST_CNT asks for. */
export function resetKind(value: u8): ResetKind {
  if ((value & system) === 0) return ResetKind.processor;
  return (value & full) !== 0 ? ResetKind.power : ResetKind.system;
}

const shape = device("reset-control", {
  title: "Reset control register",
  about: "RST_CNT alone, for a guest without a PCI host bridge, which holds it otherwise.",
  manuals: ["Intel ICH9 data sheet 316972"],
  banks: {
    port: bank(u8, {
      rstCnt: rw(0, resetControlFields, { about: "Resets, and says what.", section: "§13.7.5" }),
    }),
  },
  state: { reset: signal() },
});

/** RST_CNT alone, for a guest without a PCI host bridge. */
export const resetControl = shape.implement({
  written: {
    rstCnt(u, value, old) {
      if (resets(value, old)) u.reset.raise(resetKind(value));
    },
  },
});
