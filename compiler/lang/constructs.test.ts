/** A construct is a file beside a table's `index.ts`; what stands beside it, and what that reaches. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import * as assembly from "../../platforms/asm.ts";
import { ts } from "../source/ts.ts";
import { expressions } from "./expressions/index.ts";
import { globals } from "./intrinsics/global.ts";
import { intrinsics } from "./intrinsics/index.ts";
import { lowerProgram } from "./lower.ts";
import { statements } from "./statements/index.ts";
import { featureEnding, featureNames, languageFolder, loadFeatures } from "./testing/features.ts";

type Row = ts.SyntaxKind | string;
type Lower = (...args: never[]) => unknown;
const tables: readonly ReadonlyMap<Row, Lower>[] = [statements, expressions, intrinsics, globals];

interface Construct {
  /** Relative to `compiler/lang`, without its ending: `statements/switch`. */
  readonly name: string;
  /** What it gives to the tables. */
  readonly rows: readonly Row[];
}

/** The functions that a module exports, by themselves or as rows of a table. */
function functionsOf(module: object): ReadonlySet<unknown> {
  return new Set(
    Object.values(module).flatMap((value: unknown) =>
      value instanceof Map || Array.isArray(value)
        ? [...value].map(([, lower]: [unknown, unknown]) => lower)
        : [value],
    ),
  );
}

async function constructs(): Promise<readonly Construct[]> {
  const files = ["statements", "expressions", "intrinsics"].flatMap((folder) =>
    readdirSync(join(languageFolder, folder))
      .filter((file) => file !== "index.ts" && /^[\w-]+\.ts$/.test(file))
      .map((file) => `${folder}/${file.slice(0, -".ts".length)}`),
  );
  return Promise.all(
    files.map(async (name): Promise<Construct> => {
      const own = functionsOf((await import(join(languageFolder, `${name}.ts`))) as object);
      const rows = tables.flatMap((table) =>
        [...table].filter(([, lower]) => own.has(lower)).map(([row]) => row),
      );
      return { name, rows };
    }),
  );
}

/** Whether all of a construct is of the bare machine: what `platforms/asm.ts` declares throws in Node. */
const isBare = ({ rows }: Construct): boolean => rows.length > 0 && rows.every((row) => row in assembly);

const title = (row: Row): string => (typeof row === "string" ? row : ts.SyntaxKind[row]);

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
  t.deepEqual(rows.filter((row) => !owned.has(row)).map(title), []);
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
    return rows.filter((row) => !reached.has(row)).map((row) => `${name}: ${title(row)}`);
  });
  t.deepEqual(missed, []);
});
