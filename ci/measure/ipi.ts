/**
 * What an interrupt from one virtual CPU to another costs where each has a CPU: on the sender's CPU and on the receiver's,
 * which runs the other one or rests. Counted from outside, since a machine of two CPUs has no counter of instructions.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../../compiler/build.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import { marks } from "../../platforms/x86_64/bare-guest/mark.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import type { Count } from "./counter/counter.ts";
import { countUntil } from "./counter/run.ts";
import type { Figure, Measurement } from "./figure.ts";

const image = "ci/boot/images/measure-ipi.ts";

/** Measures it. */
export const interrupts: Measurement = {
  name: "ipi",
  brings: ["irq.ipi"],
  what: "counting instructions of interrupts between two virtual CPUs on two CPUs",
  measure: async () => {
    const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
    try {
      prepareBareGuest();
      const { efi } = await buildImage({ image: join(repositoryRoot, image), out: folder, debug: false });
      if (efi === undefined) throw new Error(`${image} left no UEFI application`);
      const machine = { kernel: efi, firmware: "ovmf", memoryMiB: 512, cpus: 2 } as const;
      return interruptFigures(await countUntil(machine, /^measured\n/m));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** What one interrupt cost; on each CPU, without the guests' instructions. */
interface Sent {
  readonly sender: number;
  readonly receiver: number;
  /** Whether the receiver's CPU rested. */
  readonly halted: boolean;
  /** Whether a CPU waited for the other one: how long is chance. */
  readonly waited: boolean;
}

/** The figures of what was counted. @throws where no interrupt came without a CPU that waited */
export function interruptFigures(counts: readonly Count[]): Figure[] {
  const all = sentOf(counts);
  return [false, true].flatMap((halted) => {
    const sent = all.filter((one) => one.halted === halted && !one.waited);
    const name = halted ? "irq.ipi.halted" : "irq.ipi.running";
    if (sent.length === 0) throw new Error(`${name}: no interrupt came without a CPU that waited`);
    return (["sender", "receiver"] as const).map((side) => {
      const sorted = sent.map((one) => one[side]).sort((a, b) => a - b);
      const [least, median] = [sorted[0], sorted[sorted.length >> 1]];
      const mean = sorted.reduce((sum, cost) => sum + cost, 0) / sorted.length;
      return {
        name: `${name}.${side}.typevisor`,
        value: least,
        unit: "instructions",
        ...{ least, median, mean },
      };
    });
  });
}

function sentOf(counts: readonly Count[]): Sent[] {
  return counts.flatMap((mark, at) => {
    if (mark.event !== marks.sends) return [];
    const later = counts.slice(at + 1, at + 1 + farthest);
    const leave = later.find(({ cpu, event }) => cpu === mark.cpu && event === "leave");
    const enter = later.find(({ cpu, event }) => cpu === mark.cpu && event === "enter");
    const arrived = counts.findIndex((count, i) => i > at && count.event === marks.arrives);
    const entered = lastBefore(counts, arrived, "enter");
    const [left, rested] = [lastBefore(counts, arrived, "leave"), lastBefore(counts, arrived, "halt")];
    if (leave === undefined || enter === undefined || entered === undefined || left === undefined) return [];
    const halted = rested !== undefined && rested.executed > left.executed;
    const from = halted ? rested : left;
    return [
      {
        sender: enter.executed - leave.executed,
        receiver: entered.executed - from.executed,
        halted,
        waited: enter.waits !== leave.waits || entered.waits !== from.waits,
      },
    ];
  });
}

/** Events within which an interrupt has come. */
const farthest = 64;

/** The last event of a kind, on the CPU of a count and before it. */
function lastBefore(counts: readonly Count[], at: number, event: Count["event"]): Count | undefined {
  for (let i = at - 1; i >= 0; i--)
    if (counts[i].cpu === counts[at].cpu && counts[i].event === event) return counts[i];
  return undefined;
}
