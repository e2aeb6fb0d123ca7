/** What becomes of a run whose guest ends, or whose machine never starts it. */
import test from "ava";
import type { BootOptions } from "../qemu.ts";
import { isAbsent, type Outcome } from "./figure.ts";
import { operationCosts } from "./operation-costs.ts";
import { bare } from "./peers/bare.ts";
import { GarbledConsole } from "./readings.ts";

function measuredWith(changes: Partial<BootOptions>): Promise<readonly Outcome[]> {
  return operationCosts({
    ...bare,
    prepare: async (guest, folder) => {
      const prepared = await bare.prepare(guest, folder);
      return { ...prepared, boot: { ...prepared.boot, ...changes } };
    },
  }).measure();
}

test.serial(
  "a guest that ends before it has measured fails the run with its console's last lines",
  async (t) => {
    const error = await t.throwsAsync(measuredWith({ append: "t" }), { instanceOf: GarbledConsole });
    t.regex(error.message, /the console's last lines:\nbare guest\n/);
  },
);

test.serial("a machine that does not start the guest leaves its column empty with the reason", async (t) => {
  const outcomes = await measuredWith({ extra: ["-no-such-option"] });
  t.true(outcomes.length > 0);
  for (const outcome of outcomes)
    t.true(isAbsent(outcome) && outcome.reason.startsWith("the guest did not start"));
});
