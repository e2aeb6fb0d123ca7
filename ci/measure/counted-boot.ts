/** The boot of a guest to its prompt, and its workloads, counted: twice, and the same twice. */
import { expectTicks } from "../icount.ts";
import { ticksMark } from "../ticks-program.ts";
import { boot, type BootOptions } from "../qemu.ts";
import { exitKinds, noExits, type ExitCounts, type ExitMark } from "./exit-counts.ts";
import { ExitLog } from "./exit-log.ts";
import type { Column, Figure } from "./figure.ts";
import { ticksOf } from "./firmware-ticks.ts";
import { UnsteadyRuns } from "./operation-costs.ts";
import { workloadFigures } from "./workloads.ts";

/** A counted run executes every instruction by itself: on a busy machine it takes minutes. */
const limit = { limitMs: 1_200_000 };

/** What one boot tells. */
export interface CountedBoot {
  /** The guest's time-stamp counter at the prompt. */
  readonly ticks: number;
  /** The same where the kernel was entered, if that tells it (`peers/telling-entry.ts`); 0 otherwise. */
  readonly entry: number;
  readonly workloads: readonly Figure[];
  /** Exits before the prompt. */
  readonly exits: ExitCounts;
}

/** Boots the guest of the workloads twice. */
export async function countedTwice(options: BootOptions, column: Column): Promise<CountedBoot> {
  const first = await counted(options, column);
  requireSameBoot(first, await counted(options, column));
  return first;
}

/** The first exit of the program that tells the counter: the guest is at its prompt. */
const atPrompt: ExitMark = ({ rip }) => rip === ticksMark;

const toldEntry = /^\(d\d+\) ([a-p]{16})$/m;

async function counted(options: BootOptions, column: Column): Promise<CountedBoot> {
  const log = new ExitLog(atPrompt);
  try {
    const machine = await boot({
      ...options,
      deterministic: true,
      extra: [...(options.extra ?? []), ...log.arguments],
    });
    try {
      const ticks = Number(await expectTicks(machine, "prompt", limit));
      const workloads = await workloadFigures(machine, column, limit);
      const [, letters] = toldEntry.exec(machine.console) ?? [];
      const entry = letters === undefined ? 0 : ticksOf(letters);
      // The bare machine has none, and so none that tells of the prompt.
      return { ticks, entry, workloads, exits: column === "bare" ? noExits : await log.counts };
    } finally {
      await machine.kill();
    }
  } finally {
    log.close();
  }
}

/** Refuses a second boot that differs from the first. */
export function requireSameBoot(first: CountedBoot, second: CountedBoot): void {
  const again = new Map(told(second));
  const differences = told(first).flatMap(([name, value]) =>
    again.get(name) === value ? [] : [`${name} is ${value}, and in the second run ${again.get(name)}`],
  );
  if (differences.length > 0) throw new UnsteadyRuns(`two boots differ: ${differences.join("; ")}`);
}

function told({ ticks, entry, workloads, exits }: CountedBoot): [string, number][] {
  return [
    ["boot.shell.ticks", ticks],
    ["the counter at the kernel's entry", entry],
    ...workloads.map(({ name, value }): [string, number] => [name, value]),
    ...exitKinds.map((kind): [string, number] => [`boot.exits.${kind}`, exits[kind]]),
  ];
}

/** Exits before the prompt, by kind and together. */
export function exitFigures(exits: ExitCounts, column: Column): Figure[] {
  const total = exitKinds.reduce((sum, kind) => sum + exits[kind], 0);
  return [...exitKinds.map((kind) => [kind, exits[kind]] as const), ["total", total] as const].map(
    ([kind, value]) => ({ name: `boot.exits.${kind}.${column}`, value, unit: "exits" }),
  );
}
