import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parseHistory } from "./history.ts";
import { keepRun } from "./keep.ts";

const outcomes = [
  { name: "exit.cpuid.typevisor", value: 223, unit: "instructions" },
  { name: "exit.cpuid.xen", reason: "it is not here" },
];
const broken = '{"commit":"0123';
const kept = JSON.stringify({
  commit: "0123456789abcdef0123456789abcdef01234567",
  date: "2026-01-02T03:04:05Z",
  figures: { "exit.cpuid.typevisor": { value: 300, unit: "instructions" } },
});

/** A repository of one commit, and in it a history with a broken line. */
function repository(t: ExecutionContext): { root: string; history: string; commit: string } {
  const root = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=n", "-c", "user.email=e@example.org", ...args], {
      cwd: root,
      encoding: "utf8",
    }).trim();
  const history = join(root, "bench/history.jsonl");
  mkdirSync(join(root, "bench"));
  writeFileSync(history, `${kept}\n${broken}\n`);
  git("init", "-q");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  return { root, history, commit: git("rev-parse", "HEAD") };
}

test("a run is appended to the history, and a broken line there is told and kept", async (t) => {
  const { root, history, commit } = repository(t);
  const said: string[] = [];
  await keepRun({ outcomes, failed: false }, (line) => said.push(line), root);
  const text = readFileSync(history, "utf8");
  t.true(text.startsWith(`${kept}\n${broken}\n`));
  const { entries } = parseHistory(text);
  t.is(entries.length, 2);
  t.is(entries[1].commit, commit);
  t.deepEqual(entries[1].figures, { "exit.cpuid.typevisor": { value: 223, unit: "instructions" } });
  t.true(said[0].startsWith("warning: bench/history.jsonl:2 is left out: "));
  const page = readFileSync(join(root, "out/bench/index.html"), "utf8");
  for (const shown of [commit, '"value":300', '"value":223', '"line":2']) t.true(page.includes(shown), shown);
});

test("a run in which a measurement failed is shown, and the history stays as it is", async (t) => {
  const { root, history } = repository(t);
  const before = readFileSync(history, "utf8");
  await keepRun({ outcomes, failed: true }, () => undefined, root);
  t.is(readFileSync(history, "utf8"), before);
  t.true(readFileSync(join(root, "out/bench/index.html"), "utf8").includes('"value":223'));
});
