/**
 * The processor's own table as a device: what the register reference, the corpus and the fuzzer read. Build time. Its
 * registers are those of the rows, so nothing of them is said twice; what answers is the dispatch that an image has.
 */
import { u64 } from "../../../dsl/core/int.ts";
import { bank } from "../../../dsl/device/bank.ts";
import { device } from "../../../dsl/device/device.ts";
import type { MsrRow } from "./msr.ts";

/** The shape of a table of MSRs that lie at their own numbers. Throws DeclarationError where rows contradict themselves. */
export function processorShape(rows: readonly MsrRow[]) {
  const registers = Object.fromEntries(rows.map(({ name, register }) => [name, register]));
  return device("processor", {
    title: "The processor",
    about: "What the processor of a guest answers by itself.",
    manuals: [
      "AMD64 Architecture Programmer's Manual, volume 2",
      "Intel Software Developer's Manual, volume 3",
    ],
    banks: { msrs: bank(u64, registers, { space: "msr" }) },
  }).implement({});
}
