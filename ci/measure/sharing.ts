/** How guests share CPUs: what a switch between two costs, and what each gets by its weight. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../../compiler/build.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import { roundsCode, yieldName } from "../../platforms/x86_64/bare-guest/sharing.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { boot, type BootOptions } from "../qemu.ts";
import type { Figure, Measurement } from "./figure.ts";
import { readConsole } from "./readings.ts";

const limit = { limitMs: 600_000 };

/** Measures what a switch costs. */
export const switchCost: Measurement = {
  name: "switch",
  brings: ["switch"],
  what: "counting instructions of two guests that give a CPU to each other",
  measure: async () => {
    const console = await consoleOf("measure-yield", { deterministic: true }, /^measured\n/m);
    const [{ least, median, mean }] = readConsole(console, [yieldName]).readings;
    return [
      {
        name: "switch.vcpu.typevisor",
        value: Math.ceil(median / 2),
        unit: "instructions",
        ...{ least: Math.ceil(least / 2), median: Math.ceil(median / 2), mean: Math.ceil(mean / 2) },
        note: "the median",
      },
    ];
  },
};

/** Measures what weights come to. */
export const weightedShares: Measurement = {
  name: "shares",
  brings: ["shares"],
  what: "letting two guests of weights 1 and 3 compute on one CPU for ten seconds of its time",
  measure: async () => {
    // Sixteen nanoseconds an instruction: ten seconds are over sooner.
    const extra = ["-icount", "shift=4,sleep=off"];
    return sharesOf(await consoleOf("measure-shares", { extra }, reported(2)));
  },
};

async function consoleOf(name: string, options: BootOptions, until: RegExp): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
  try {
    prepareBareGuest();
    const image = join(repositoryRoot, `ci/boot/images/${name}.ts`);
    const { efi } = await buildImage({ image, out: folder, debug: false });
    const machine = await boot({ kernel: efi, firmware: "ovmf", memoryMiB: 768, ...options });
    try {
      await machine.expect(until, limit);
      return machine.console;
    } finally {
      await machine.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const report = /^typevisor: guest (\w+) reports (0x[0-9a-f]+): (0x[0-9a-f]+), .*$/;
/** What matches once some guests have told their rounds. */
const reported = (guests: number): RegExp =>
  new RegExp(`(?:^typevisor: guest \\w+ reports .*\\n(?:(?!typevisor:).*\\n)*){${guests}}`, "m");

/** Each guest's part of all rounds, in percent. @throws where nobody told any */
export function sharesOf(console: string): Figure[] {
  const rounds = console.split("\n").flatMap((line) => {
    const [, guest, code, value] = report.exec(line.trim()) ?? [];
    return guest !== undefined && Number(code) === roundsCode ? [{ guest, count: Number(value) }] : [];
  });
  const all = rounds.reduce((sum, { count }) => sum + count, 0);
  if (all === 0) throw new Error(`no guest told its rounds:\n${console}`);
  return rounds.map(({ guest, count }) => ({
    name: `shares.${guest}.typevisor`,
    // With two digits behind the point.
    value: Math.round((10_000 * count) / all) / 100,
    unit: "%",
  }));
}
