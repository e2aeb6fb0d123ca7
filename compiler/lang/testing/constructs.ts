/** The constructs of the language: a construct is a file beside a table's `index.ts`. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import * as assembly from "../../../platforms/asm.ts";
import { ts } from "../../source/ts.ts";
import { expressions } from "../expressions/index.ts";
import { globals } from "../intrinsics/global.ts";
import { intrinsics } from "../intrinsics/index.ts";
import { statements } from "../statements/index.ts";
import { languageFolder } from "./features.ts";

/** A row of a table: a kind of syntax, or the name of an intrinsic. */
export type Row = ts.SyntaxKind | string;
/** What lowers a row. */
export type Lower = (...args: never[]) => unknown;
/** What the compiler looks constructs up in. */
export const tables: readonly ReadonlyMap<Row, Lower>[] = [statements, expressions, intrinsics, globals];

/** A construct of the language. */
export interface Construct {
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

/** Every construct, with its rows. */
export async function constructs(): Promise<readonly Construct[]> {
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
export const isBare = ({ rows }: Construct): boolean =>
  rows.length > 0 && rows.every((row) => row in assembly);

/** A row in words. */
export const rowTitle = (row: Row): string => (typeof row === "string" ? row : ts.SyntaxKind[row]);
