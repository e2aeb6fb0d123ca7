/** What stands beside each construct, and what that reaches. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { lowerProgram } from "./lower.ts";
import { constructs, isBare, rowTitle, tables, type Row, type Lower } from "./testing/constructs.ts";
import { featureEnding, featureNames, languageFolder, loadFeatures } from "./testing/features.ts";

test("every construct has its test beside it: a program, or golden IR where Node has nothing to compare with", async (t) => {
  const all = await constructs();
  t.true(all.some(isBare) && !all.every(isBare));
  const tests = all.map((construct) => construct.name + (isBare(construct) ? ".ir.test.ts" : featureEnding));
  t.deepEqual(
    tests.filter((file) => !existsSync(join(languageFolder, file))),
    [],
  );
});

test("every program stands beside a file of its name", (t) => {
  t.deepEqual(
    featureNames().filter((name) => !existsSync(join(languageFolder, `${name}.ts`))),
    [],
  );
});

test("every row of the tables is lowered by a construct's file", async (t) => {
  const owned = new Set((await constructs()).flatMap(({ rows }) => rows));
  const rows = tables.flatMap((table) => [...table.keys()]);
  t.deepEqual(rows.filter((row) => !owned.has(row)).map(rowTitle), []);
});

test("a construct's program reaches every row that the construct gives to a table", async (t) => {
  const all = (await constructs()).filter((construct) => !isBare(construct));
  let reached = new Set<Row>();
  for (const table of tables as readonly Map<Row, Lower>[])
    for (const [row, lower] of table)
      table.set(row, (...args) => {
        reached.add(row);
        return lower(...args);
      });
  const { features, frontEnd } = loadFeatures();
  const missed = all.flatMap(({ name, rows }) => {
    reached = new Set();
    const entries = features.find((feature) => feature.name === name)?.entries ?? [];
    lowerProgram(frontEnd, { name, entries }, { debug: false });
    return rows.filter((row) => !reached.has(row)).map((row) => `${name}: ${rowTitle(row)}`);
  });
  t.deepEqual(missed, []);
});
