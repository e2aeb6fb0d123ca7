/** What exits cost: instructions that are executed between two readings of the counter in the guest, exactly. */
import { prepareBareGuest } from "../bare-guest/build.ts";
import { buildAppliance } from "../boot/appliance.ts";
import { bootCounting } from "../icount.ts";
import type { Figure, Measurement } from "./figure.ts";

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

/** The lines `figure NAME NUMBER` of a console. */
export function figuresOf(console: string): Figure[] {
  return [...console.matchAll(/^figure (\S+) (\d+)$/gm)].map(([, name, value]) => ({
    name: `exit.${name}`,
    value: Number(value),
    unit: "instructions",
  }));
}
