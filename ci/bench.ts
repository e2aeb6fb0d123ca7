/**
 * `npm run bench -- [--json FILE] [--only NAME]`: measures, prints every figure, and writes them as JSON.
 *
 * A measurement that fails is told and the others still run; the exit status is then 1.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { figuresJson, figuresTable, type Figure } from "./measure/figure.ts";
import { measurements } from "./measure/measurements.ts";
import { preparePayloadsOrExplain } from "./payloads.ts";
import { showProgress } from "./progress.mjs";

const flags = new Command("npm run bench --")
  .description("Measures build times, image sizes and boots; figures, not tests.")
  .option("--json <FILE>", "write every figure as JSON")
  .option("--only <NAME>", "measure only what has this name, or begins with it and a dot")
  .parse()
  .opts<{ json?: string; only?: string }>();

const chosen = measurements.filter(
  ({ name }) => flags.only === undefined || name === flags.only || name.startsWith(`${flags.only}.`),
);
if (chosen.length === 0) {
  const names = measurements.map(({ name }) => name).join(", ");
  process.stderr.write(`error: nothing that is measured is named ${flags.only}; there are ${names}\n`);
  process.exit(1);
}

await preparePayloadsOrExplain();
await import("./build-cli.ts");
const figures: Figure[] = [];
for (const { name, what, measure } of chosen) {
  const finish = showProgress(`${name}: ${what}`);
  try {
    figures.push(...(await measure()));
    finish("done");
  } catch (error) {
    finish("failed");
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
process.stdout.write(figuresTable(figures));
if (flags.json !== undefined) {
  const file = resolve(process.env["INIT_CWD"] ?? ".", flags.json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, figuresJson(figures));
}
