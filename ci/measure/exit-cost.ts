/** What exits cost under Typevisor: instructions between two readings of the counter in the guest, exactly. */
import { measuredNames } from "../../platforms/x86_64/bare-guest/measure.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { buildAppliance } from "../boot/appliance.ts";
import { bootCounting } from "../icount.ts";
import type { Figure, Measurement } from "./figure.ts";
import { readConsole } from "./readings.ts";

/** Measures every operation of the bare guest (`platforms/x86_64/bare-guest/measure.ts`), the least of many. */
export const exitCost: Measurement = {
  name: "exit",
  what: "counting the instructions of exits, seen from the guest",
  measure: async () => {
    prepareBareGuest();
    const appliance = await buildAppliance("ci/boot/images/measure-exits.ts");
    try {
      const machine = await bootCounting({ image: appliance.img, memoryMiB: 512 });
      try {
        const { before } = await machine.expect("\nmeasured\n", { limitMs: 1_200_000 });
        return figuresOf(before);
      } finally {
        await machine.kill();
      }
    } finally {
      appliance.remove();
    }
  },
};

/** The least of every operation that a console of the measuring guest tells. */
export function figuresOf(console: string): Figure[] {
  // What the console's reader has taken as the end is no part of what came before.
  return readConsole(`${console}\nmeasured\n`, measuredNames).readings.map(({ name, least }) => ({
    name,
    value: least,
    unit: "instructions",
  }));
}
