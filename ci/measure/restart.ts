/**
 * What a guest's restart takes, from the exit with which it crashed to its first instruction: counted from outside for
 * guests with more and less memory, so that clearing memory stands apart. Each run is made twice, and is the same twice.
 */
import { isDeepStrictEqual } from "node:util";
import { prepareBareGuest } from "../bare-guest/build.ts";
import type { Count } from "./counter/counter.ts";
import { countUntil } from "./counter/run.ts";
import type { Measurement } from "./figure.ts";
import { UnsteadyRuns } from "./operation-costs.ts";
import { built } from "./scaling/built.ts";

/** MiB of the guests' memory. */
const [little, much] = [32, 96] as const;
const restarts = 6;
const restarted = new RegExp(`(?:^typevisor: guest crashing restarts: [^]*){${restarts}}`, "m");

/** Measures it. */
export const restart: Measurement = {
  name: "restart",
  brings: ["restart"],
  what: `counting instructions of a guest's restarts, with ${little} and ${much} MiB of memory, twice`,
  measure: async () => {
    prepareBareGuest();
    const withLittle = await restartWith(little);
    const withMuch = await restartWith(much);
    const perMebibyte = Math.round((withMuch - withLittle) / (much - little));
    return [
      {
        name: "restart.instructions.typevisor",
        value: withLittle - little * perMebibyte,
        unit: "instructions",
        note: "without what grows with memory",
      },
      {
        name: "restart.clear-memory.typevisor",
        value: perMebibyte,
        unit: "instructions/MiB",
        note: "8 bytes an instruction: the emulator counts each element of a repeated string instruction",
      },
    ];
  },
};

function restartWith(mebibytes: number): Promise<number> {
  return built("withMemory", mebibytes, async ({ efi }) => {
    const options = { kernel: efi, firmware: "ovmf", memoryMiB: 512, deterministic: true } as const;
    const first = restartsOf(await countUntil(options, restarted), mebibytes);
    const second = restartsOf(await countUntil(options, restarted), mebibytes);
    if (!isDeepStrictEqual(first, second))
      throw new UnsteadyRuns(`restarts take ${first.join(", ")}, and in the second run ${second.join(", ")}`);
    return Math.min(...first);
  });
}

/**
 * Instructions of the first restarts: from an exit to the entry behind which the guest is new. No other exit comes near
 * the instructions that clearing its memory takes. @throws where there were fewer
 */
export function restartsOf(counts: readonly Count[], mebibytes: number): number[] {
  const clearing = (mebibytes << 20) / 8;
  const found: number[] = [];
  let left = Infinity;
  for (const { event, executed } of counts) {
    if (event === "leave") left = executed;
    if (event === "enter" && executed - left >= clearing) found.push(executed - left);
  }
  if (found.length < restarts - 1) throw new Error(`${found.length} restarts were counted`);
  return found.slice(0, restarts - 1);
}
