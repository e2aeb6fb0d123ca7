/**
 * `npm run bench -- [--json FILE] [--only NAME] [--peers NAMES] [--profile OPERATIONS]`: measures Typevisor and its peers,
 * prints them side by side, and writes every figure as JSON; or profiles operations instead. A run of everything is kept in
 * `bench/history.jsonl` and drawn in `out/bench/index.html`.
 *
 * A peer that is missing or does not boot leaves its column empty. A measurement that fails is told and the others still
 * run; the exit status is then 1.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { bringsAny, figuresJson, isBelow, peerColumns, type Outcome } from "./measure/figure.ts";
import { benchFlags } from "./measure/flags.ts";
import { measurements } from "./measure/measurements.ts";
import { figuresTable } from "./measure/table.ts";
import { keepRun } from "./measure/page/keep.ts";
import { profileOperations } from "./measure/profile/command.ts";
import { preparePayloadsOrExplain } from "./payloads.ts";
import { showProgress } from "./progress.mjs";

const { json, only, peers, profile } = benchFlags(process.argv.slice(2));
const jsonFile = json === undefined ? undefined : resolve(process.env["INIT_CWD"] ?? ".", json);

if (profile !== undefined) {
  await profileOperations(profile, jsonFile);
  process.exit();
}

const all = measurements(peers);
const chosen = all.filter((measurement) => only === undefined || bringsAny(measurement, only));
if (chosen.length === 0) {
  const names = [...new Set(all.flatMap(({ brings }) => brings))].join(", ");
  process.stderr.write(`error: nothing that is measured is named ${only}; there are ${names}\n`);
  process.exit(1);
}

await preparePayloadsOrExplain();
await import("./build-cli.ts");
const outcomes: Outcome[] = [];
for (const { name, what, measure } of chosen) {
  const finish = showProgress(`${name}: ${what}`);
  try {
    outcomes.push(...(await measure()));
    finish("done");
  } catch (error) {
    finish("failed");
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
const shown = outcomes.filter(({ name }) => only === undefined || isBelow(name, only));
process.stdout.write(figuresTable(shown));
if (jsonFile !== undefined) {
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, figuresJson(shown));
}
if (only === undefined && peers.length === peerColumns.length) {
  const failed = process.exitCode === 1;
  await keepRun({ outcomes, failed }, (line) => process.stderr.write(`${line}\n`));
}
