/**
 * How cost and size grow with the devices that an image declares: an exit to the first, to the last, and to a port that
 * no device has. Boots are counted twice, and are the same twice.
 */
import { countedDevices, portNames } from "../../platforms/x86_64/bare-guest/ports.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { boot, type BootOptions } from "../qemu.ts";
import type { Figure, Measurement } from "./figure.ts";
import { requireSame } from "./operation-costs.ts";
import { readConsole, type Readings } from "./readings.ts";
import { built } from "./scaling/built.ts";

const limit = { limitMs: 600_000 };
/** The step of the port that no image gives to a device. */
const unclaimed = countedDevices.length - 1;
const deviceCounts = countedDevices.slice(0, unclaimed).map((last) => last + 1);

/** Measures it. */
export const scaling: Measurement = {
  name: "scaling",
  brings: ["scaling.devices"],
  what: `building and booting images with up to ${deviceCounts.at(-1)} more devices`,
  measure: async () => {
    prepareBareGuest();
    const figures: Figure[] = [];
    for (const [step, count] of deviceCounts.entries()) figures.push(...(await ofDevices(count, step)));
    return figures;
  },
};

function ofDevices(count: number, step: number): Promise<Figure[]> {
  return built("withDevices", count, async ({ efi, report }) => {
    const options = { kernel: efi, firmware: "ovmf", memoryMiB: 512, deterministic: true } as const;
    const first = await portReadings(options);
    requireSame(first, await portReadings(options));
    const cost = (name: string, index: number): Figure => ({
      name: `scaling.devices.${count}.exit.${name}`,
      value: first.readings[index].least,
      unit: "instructions",
    });
    return [
      cost("first", 0),
      cost("last", step),
      cost("unclaimed", unclaimed),
      { name: `scaling.devices.${count}.image.bytes`, value: report.hypervisorBytes, unit: "B" },
    ];
  });
}

async function portReadings(options: BootOptions): Promise<Readings> {
  const machine = await boot(options);
  try {
    await machine.expect(/^measured\n/m, limit);
    return readConsole(machine.console, portNames);
  } finally {
    await machine.kill();
  }
}
