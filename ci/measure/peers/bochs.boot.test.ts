/** The payload of the benchmark on the second machine: under Typevisor on a CPU that saves the next RIP. */
import test from "ava";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measuredNames } from "../../../platforms/x86_64/bare-guest/measure.ts";
import { prepareBareGuest } from "../../bare-guest/build.ts";
import { boot } from "../../qemu.ts";
import { isAbsent } from "../figure.ts";
import { operationCosts, outcomesOf } from "../operation-costs.ts";
import { readConsole } from "../readings.ts";
import { bochs } from "./bochs.ts";
import { measuringGuest } from "./peer.ts";
import { typevisor } from "./typevisor.ts";

const limit = { limitMs: 600_000 };

/** The figures of one boot under QEMU, whose CPU does not save the next RIP. */
async function underQemu(): Promise<Map<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
  try {
    const { elf } = prepareBareGuest();
    const { boot: options } = await typevisor.prepare(measuringGuest(elf), folder);
    const machine = await boot(options);
    try {
      await machine.expect(/^measured\n/m, limit);
      return valuesOf(outcomesOf(readConsole(machine.console, measuredNames), "typevisor"));
    } finally {
      await machine.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function valuesOf(outcomes: ReturnType<typeof outcomesOf>): Map<string, number> {
  return new Map(outcomes.flatMap((o) => (isAbsent(o) ? [] : [[o.name, o.value] as const])));
}

test.serial(
  "where the CPU saves the next RIP, an exit costs less than where the instruction's length is decoded",
  async (t) => {
    // Measured twice, and the same twice.
    const saved = valuesOf([...(await operationCosts(bochs).measure())]);
    const decoded = await underQemu();
    for (const name of ["exit.cpuid", "exit.rdmsr", "exit.wrmsr"]) {
      const [next, none] = [saved.get(`${name}.bochs`), decoded.get(`${name}.typevisor`)];
      t.true(next !== undefined && none !== undefined && next < none, `${name}: ${next} and ${none}`);
    }
    // What does not exit takes the same on both.
    t.is(saved.get("exit.nothing.bochs"), decoded.get("exit.nothing.typevisor"));
  },
);

test.serial("a Bochs that does not start leaves its column empty with the reason", async (t) => {
  const outcomes = await operationCosts({
    ...bochs,
    prepare: (_guest, folder) =>
      Promise.resolve({
        bochs: { image: import.meta.filename, cpu: "ryzen", extra: [`romimage: file=${folder}/none`] },
      }),
  }).measure();
  t.true(outcomes.length > 0);
  for (const outcome of outcomes)
    t.true(isAbsent(outcome) && outcome.reason.startsWith("the guest did not start"), outcome.name);
});
