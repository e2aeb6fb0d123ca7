/**
 * `npm test`: the checks and every layer of tests, or those that the arguments name (layers, or test files).
 *
 * The closing line tells what was counted; the exit status is 1 when anything failed or nothing ran.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "../compiler/root.ts";
import { layers, testFiles, type Layer } from "./layers.ts";
import { preparePayloadsOrExplain } from "./payloads.ts";
import { TapReader, type Totals } from "./tap.ts";

interface Outcome extends Totals {
  readonly failures: readonly string[];
}

const checks = [
  { name: "formatting (npm run format puts it right)", args: ["prettier/bin/prettier.cjs", "--check", "."] },
  { name: "lint", args: ["eslint/bin/eslint.js", "--max-warnings", "0", "."] },
  { name: "types", args: ["typescript/bin/tsc", "--noEmit"] },
  {
    name: "types of what runs in a browser",
    args: ["typescript/bin/tsc", "--noEmit", "--project", "ci/measure/page/client"],
  },
] as const;

async function runNode(args: readonly string[], onOutput: (text: string) => void): Promise<number> {
  const [script, ...rest] = args;
  const child = spawn(process.execPath, [join(repositoryRoot, "node_modules", script), ...rest], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", onOutput);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function runChecks(): Promise<Outcome> {
  const failures: string[] = [];
  for (const { name, args } of checks) {
    let output = "";
    const status = await runNode(args, (text) => (output += text));
    print(`  ${status === 0 ? "✔" : "✘"} ${name}`);
    if (status !== 0) {
      print(output.trimEnd());
      failures.push(name);
    }
  }
  return { passed: checks.length - failures.length, failed: failures.length, skipped: 0, failures };
}

async function runFiles(files: readonly string[], serial: boolean): Promise<Outcome> {
  const reader = new TapReader();
  const mode = serial ? ["--serial", "--concurrency", "1"] : [];
  const status = await runNode(["ava/entrypoints/cli.mjs", "--tap", ...mode, ...files], (text) => {
    for (const line of reader.read(text)) print(line);
  });
  if (serial) tellSlowest(reader.durations);
  const failures = [...reader.failures];
  // ava may refuse to run at all; that must not pass for a run in which nothing failed.
  if (status !== 0 && failures.length === 0) failures.push(`ava ended with ${status}`);
  return { ...reader.totals, failed: failures.length, failures };
}

function tellSlowest(durations: ReadonlyMap<string, number>): void {
  const slowest = [...durations].sort(([, a], [, b]) => b - a).slice(0, 12);
  print(`  longest: ${slowest.map(([file, ms]) => `${file} ${(ms / 1000).toFixed(0)} s`).join(", ")}`);
}

async function runLayer(layer: Layer, files: readonly string[]): Promise<Outcome> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0, failures: [] };
  print(`\n${layer.name}: ${layer.what}`);
  return runFiles(files, layer.serial === true);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(wanted: readonly string[]): Promise<Outcome[]> {
  const known = new Set(["checks", ...layers.map((layer) => layer.name)]);
  const all = testFiles(repositoryRoot);
  const files = wanted.filter((name) => !known.has(name));
  const unknown = files.find((file) => !all.includes(file));
  if (unknown !== undefined) {
    throw new RangeError(
      `"${unknown}" is neither a test file nor one of the layers ${[...known].join(", ")}`,
    );
  }
  const outcomes: Outcome[] = [];
  const everything = wanted.length === 0;
  if (everything || wanted.includes("checks")) {
    print("checks");
    outcomes.push(await runChecks());
  }
  for (const layer of layers) {
    const whole = everything || wanted.includes(layer.name);
    const chosen = all.filter((file) => layer.matches(file) && (whole || files.includes(file)));
    outcomes.push(await runLayer(layer, chosen));
  }
  return outcomes;
}

await preparePayloadsOrExplain();
const outcomes = await run(process.argv.slice(2));
const sum = (pick: (outcome: Outcome) => number): number =>
  outcomes.reduce((total, outcome) => total + pick(outcome), 0);
const [passed, failed, skipped] = [sum((o) => o.passed), sum((o) => o.failed), sum((o) => o.skipped)];
const failures = outcomes.flatMap((outcome) => outcome.failures);
if (failures.length > 0) print(`\nfailed:\n${failures.map((name) => `  ✘ ${name}`).join("\n")}`);
print(`\n${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
if (failed > 0 || passed === 0) process.exitCode = 1;
