/**
 * How cost and size grow with what an image declares: devices (an exit to the first, to the last, and to a port that no
 * device has) and guests. Boots are counted twice, and are the same twice.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { buildImage, type BuildResult } from "../../compiler/build.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import { countedDevices, portNames } from "../../platforms/x86_64/bare-guest/ports.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { boot, type BootOptions } from "../qemu.ts";
import { hypervisorMemory } from "./build-time.ts";
import type { Figure, Measurement } from "./figure.ts";
import { requireSame } from "./operation-costs.ts";
import { readConsole, type Readings } from "./readings.ts";
import type * as images from "./scaling/images.ts";

const limit = { limitMs: 600_000 };
const guestCounts = [1, 4, 16];
/** The step of the port that no image gives to a device. */
const unclaimed = countedDevices.length - 1;
const deviceCounts = countedDevices.slice(0, unclaimed).map((last) => last + 1);

/** Measures both. */
export const scaling: Measurement = {
  name: "scaling",
  brings: ["scaling"],
  what: `building and booting images with up to ${deviceCounts.at(-1)} more devices, and with up to ${guestCounts.at(-1)} guests`,
  measure: async () => {
    prepareBareGuest();
    const figures: Figure[] = [];
    for (const [step, count] of deviceCounts.entries()) figures.push(...(await ofDevices(count, step)));
    for (const count of guestCounts) figures.push(...(await ofGuests(count)));
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

function ofGuests(count: number): Promise<Figure[]> {
  return built("withGuests", count, ({ report }) => [
    { name: `scaling.guests.${count}.image.bytes`, value: report.hypervisorBytes, unit: "B" },
    { name: `scaling.guests.${count}.memory.bytes`, value: hypervisorMemory(report), unit: "B" },
  ]);
}

/** Builds an image that a function of `scaling/images.ts` declares, and gives what is found out about it. */
async function built<T>(
  declare: keyof typeof images,
  count: number,
  use: (result: BuildResult) => T | Promise<T>,
): Promise<T> {
  // An image is built from sources of one repository only.
  const out = join(repositoryRoot, "out");
  mkdirSync(out, { recursive: true });
  const folder = mkdtempSync(join(out, "scaling-"));
  try {
    const image = join(folder, "scaled.ts");
    const source = relative(folder, join(import.meta.dirname, "scaling/images.ts"));
    writeFileSync(
      image,
      `import { ${declare} } from ${JSON.stringify(source)};\nexport default ${declare}(${count});\n`,
    );
    return await use(await buildImage({ image, out: folder, debug: false }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
