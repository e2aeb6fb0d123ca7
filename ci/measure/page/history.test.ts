import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { appendToHistory, parseHistory, readHistory } from "./history.ts";

const commit = { commit: "0123456789abcdef0123456789abcdef01234567", date: "2026-01-02T03:04:05+00:00" };
const figure = { name: "exit.cpuid.typevisor", value: 223, unit: "instructions", least: 223, note: "x" };
const entry = { ...commit, figures: { "exit.cpuid.typevisor": { value: 223, unit: "instructions" } } };
const line = JSON.stringify(entry);

test("a run is one more line: the commit, its date and the figures that there are", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "bench/history.jsonl");
  t.deepEqual(readHistory(file), { entries: [], broken: [] });
  appendToHistory(file, commit, [figure, { name: "exit.cpuid.xen", reason: "it is not here" }]);
  t.is(readFileSync(file, "utf8"), `${line}\n`);
  appendToHistory(file, { ...commit, changed: true }, [figure]);
  t.deepEqual(readHistory(file), { entries: [entry, { ...entry, changed: true }], broken: [] });
});

test("a broken line is told with its number and kept, and the others are used", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "history.jsonl");
  writeFileSync(file, `${line}\n{"commit":"0123\n\n${line}\n`);
  // What was cut short has no end of line.
  appendFileSync(file, line.slice(0, 90));
  appendToHistory(file, commit, [figure]);
  const { entries, broken } = readHistory(file);
  t.deepEqual(entries, [entry, entry, entry]);
  t.deepEqual(
    broken.map((b) => b.line),
    [2, 5],
  );
  t.true(
    readFileSync(file, "utf8").startsWith(`${line}\n{"commit":"0123\n\n${line}\n${line.slice(0, 90)}\n`),
  );
});

const unusable: readonly (readonly [string, RegExp])[] = [
  ["[]", /the line is no object/],
  [line.replace("0123", "x123"), /names no commit/],
  [line.replace("2026-01", "2026-13"), /has no date/],
  [line.replace("{", '{"x":1,').replace('"figures":{', '"figures":null,"y":{'), /figures is no object/],
  [line.replace("223", '"223"'), /exit\.cpuid\.typevisor has no value with a unit/],
];
for (const [text, reason] of unusable) {
  test(`a line is not used of which ${reason.source} can be said`, (t) => {
    const { entries, broken } = parseHistory(`${line}\n${text}`);
    t.is(entries.length, 1);
    t.is(broken[0].line, 2);
    t.regex(broken[0].reason, reason);
  });
}
