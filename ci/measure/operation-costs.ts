/**
 * What operations cost in a guest: one payload (`platforms/x86_64/bare-guest/`) under Typevisor and under each peer, on
 * the same emulated machine, counted exactly. Each is booted twice, and must say the same.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { repositoryRoot } from "../../compiler/root.ts";
import { measuredNames } from "../../platforms/x86_64/bare-guest/measure.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { bootBochs } from "../bochs.ts";
import { ConsoleMismatch } from "../console.ts";
import { boot } from "../qemu.ts";
import type { Column, Measurement, Outcome } from "./figure.ts";
import { greeting, measuringGuest, type Peer, type PreparedBochs, type PreparedPeer } from "./peers/peer.ts";
import { GarbledConsole, readConsole, type Readings } from "./readings.ts";

/** A boot on a busy machine takes a minute. */
const limit = { limitMs: 600_000 };
const measured = /^(?:\(d\d+\) )?measured\n/m;

/** Two runs differ, which in a deterministic machine they never do. */
export class UnsteadyRuns extends Error {
  override readonly name = "UnsteadyRuns";
}

type Prepared = PreparedPeer | PreparedBochs;

/** Measures every operation under one of those who run the payload. */
export function operationCosts(peer: Peer<Prepared>): Measurement {
  const { column } = peer;
  return {
    name: `operations.${column}`,
    what: `counting instructions of operations in a guest of ${peer.what}, twice`,
    brings: measuredNames,
    measure: async () => {
      const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
      try {
        const { elf } = prepareBareGuest();
        const prepared = await peer.prepare(measuringGuest(elf), folder);
        const first = await runMeasuring(prepared);
        requireSame(first, await runMeasuring(prepared));
        const figures = "figures" in prepared ? prepared.figures : undefined;
        return [...outcomesOf(first, column), ...(figures ?? [])];
      } catch (error) {
        // What the guest says wrong is a defect of whoever runs it, or of the guest; nobody else's failure ends the run.
        if (column === "typevisor" || error instanceof GarbledConsole || error instanceof UnsteadyRuns)
          throw error;
        return allAbsent(column, keptReason(column, error));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** The first line of what went wrong; all of it is kept in a file. */
export function keptReason(column: Column, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [reason, ...more] = text.trim().split("\n");
  if (more.length === 0) return reason;
  const log = join(repositoryRoot, ".cache/logs", `bench-${column}.log`);
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(log, `${text}\n`);
  return `${reason}; see ${relative(repositoryRoot, log)}`;
}

/** Boots what runs the measuring guest, and reads what it has measured. */
export async function runMeasuring(prepared: Prepared): Promise<Readings> {
  const machine = "bochs" in prepared ? await bootBochs(prepared.bochs) : await boot(prepared.boot);
  try {
    await machine.expect(measured, limit);
    return readConsole(machine.console, measuredNames);
  } catch (error) {
    if (!(error instanceof ConsoleMismatch)) throw error;
    // Once the guest speaks, its end is a defect; before that, its machine is not what it should be.
    if (machine.console.includes(`${greeting}\n`)) throw new GarbledConsole(error.message, { cause: error });
    throw new Error(`the guest did not start\n${error.message}`, { cause: error });
  } finally {
    await machine.kill();
  }
}

/** Refuses a second run whose least figures are not those of the first. */
export function requireSame(first: Readings, second: Readings): void {
  const leastOf = new Map(second.readings.map(({ name, least }) => [name, least]));
  const differences = first.readings.flatMap(({ name, least }) => {
    const again = leastOf.get(name);
    return again === least ? [] : [`${name} is ${least}, and in the second run ${again ?? "absent"}`];
  });
  if (differences.length > 0) throw new UnsteadyRuns(`two runs differ: ${differences.join("; ")}`);
}

/** Figures that the least would not tell the truth of. */
const shownBy: Readonly<Record<string, "least" | "median" | "mean">> = {
  // One touch in many may bring a large page, and pay for all of it.
  "memory.first-touch": "mean",
  // The difference of two measurements, each with its own luck.
  "irq.timer.count": "median",
};

/** What one run has shown, as figures of a column. */
export function outcomesOf({ readings, absent, notes }: Readings, column: Column): Outcome[] {
  return [
    ...readings.map((reading): Outcome => {
      const { name, least, median, mean } = reading;
      const shown = shownBy[name] ?? "least";
      const note = shown === "least" ? notes.get(name) : `the ${shown}`;
      return {
        name: `${name}.${column}`,
        value: reading[shown],
        unit: "instructions",
        ...{ least, median, mean },
        ...(note === undefined ? {} : { note }),
      };
    }),
    ...[...absent].map(([name, reason]): Outcome => ({ name: `${name}.${column}`, reason })),
  ];
}

/** A column that stays empty, for one reason. */
export function allAbsent(column: Column, reason: string): Outcome[] {
  return measuredNames.map((name) => ({ name: `${name}.${column}`, reason }));
}
