/**
 * What a decision of the scheduler costs beside more and more vCPUs that compute on two CPUs: at the end of a turn, when
 * one is woken and runs at once, and when a CPU goes on with what it has. The dearest of many, in executed instructions.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Measurement } from "./figure.ts";
import { buildProgram, type HandlerCall } from "./handlers/programs.ts";
import { counts } from "./scheduler/program.ts";

const [rate, turn] = [1_000_000_000n, 2_000_000n];
const turns = 100;

/** A call of which the cost is of interest under a name, or not. */
interface Step extends HandlerCall {
  readonly figure?: "turn" | "wake" | "keep";
}

function stepsOf(count: number): readonly Step[] {
  let now = 0n;
  const step = (what: string, args: readonly (number | bigint)[], figure?: Step["figure"]): Step => ({
    ...{ symbol: `of${count}_${what}`, args, bits: 32 },
    ...(figure !== undefined && { figure }),
  });
  const both = (figure?: Step["figure"]): Step[] => [0, 1].map((cpu) => step("choose", [cpu, now], figure));
  const steps = [step("start", [rate]), step("online", [0, now]), step("online", [1, now]), ...both()];
  for (let vcpu = 0; vcpu < count; vcpu++) steps.push(step("wake", [vcpu, now, 0]));
  steps.push(...both());
  for (let i = 0; i < turns; i++) {
    now += turn;
    steps.push(...both("turn"));
    now += turn / 8n;
    steps.push(...both("keep"));
    // It has slept, so it goes first.
    const vcpu = (i * 7) % count;
    steps.push(step("sleep", [vcpu, now]), ...both());
    now += turn / 2n;
    steps.push(step("wake", [vcpu, now, 1], "wake"), ...both());
  }
  return steps;
}

/** Measures it. */
export const schedulerDecisions: Measurement = {
  name: "scheduler",
  brings: ["scheduler"],
  what: `counting the instructions of the scheduler's decisions beside up to ${counts.at(-1)} vCPUs`,
  measure: () => {
    const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
    try {
      const call = buildProgram(join(import.meta.dirname, "scheduler/program.ts"), folder);
      return Promise.resolve(
        counts.flatMap((count) => {
          const steps = stepsOf(count);
          const results = call(steps);
          return (["turn", "wake", "keep"] as const).map((figure) => {
            const costs = results.filter((_, i) => steps[i].figure === figure).map((r) => r.instructions);
            return {
              name: `scheduler.vcpus.${count}.${figure}`,
              value: Math.max(...costs),
              mean: costs.reduce((sum, cost) => sum + cost, 0) / costs.length,
              unit: "instructions",
            };
          });
        }),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
