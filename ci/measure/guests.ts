/**
 * How the hypervisor grows with the guests that an image declares, and with their virtual CPUs: its bytes and its memory,
 * from built images, and what one more of each takes.
 */
import { prepareBareGuest } from "../bare-guest/build.ts";
import { hypervisorMemory } from "./build-time.ts";
import type { Figure, Measurement } from "./figure.ts";
import { built } from "./scaling/built.ts";

const counts = [1, 4, 16] as const;
const alongs = { guests: "withGuests", vcpus: "withVcpus" } as const;

/** Measures both. */
export const guestSizes: Measurement = {
  name: "guests",
  brings: [...Object.keys(alongs).map((along) => `scaling.${along}`), "memory.guest", "memory.vcpu"],
  what: `building images with up to ${counts.at(-1)} guests, and with as many virtual CPUs`,
  measure: async () => {
    prepareBareGuest();
    const figures: Figure[] = [];
    for (const [along, declare] of Object.entries(alongs)) {
      const memory: number[] = [];
      for (const count of counts) {
        const { report } = await built(declare, count, (result) => result);
        memory.push(hypervisorMemory(report));
        figures.push(
          { name: `scaling.${along}.${count}.image.bytes`, value: report.hypervisorBytes, unit: "B" },
          { name: `scaling.${along}.${count}.memory.bytes`, value: hypervisorMemory(report), unit: "B" },
        );
      }
      figures.push({
        name: `memory.${along.slice(0, -1)}.bytes.typevisor`,
        value: perFurther(counts.slice(1), memory.slice(1)),
        unit: "B",
        note: "beyond its own memory: of 12 more",
      });
    }
    return figures;
  },
};

/** What one more takes, from the sizes with few and with many. */
export function perFurther([few, many]: readonly number[], [withFew, withMany]: readonly number[]): number {
  return Math.ceil((withMany - withFew) / (many - few));
}
