/** Which strata import which, read from the sources as they are. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The folders of the strata, from the appliance down. */
export const strata = ["images", "devices", "kernel", "platforms", "dsl"] as const;
/** One of them. */
export type StratumFolder = (typeof strata)[number];

/** An import of one stratum by another. */
export interface StratumImport {
  readonly from: StratumFolder;
  readonly to: StratumFolder;
}

/** Every import between strata, in the order of {@link strata}; tests do not count. */
export function stratumImports(root: string): StratumImport[] {
  return strata.flatMap((from) => {
    const used = new Set(sourcesBelow(join(root, from)).flatMap((file) => foldersImportedBy(root, file)));
    return strata.filter((to) => to !== from && used.has(to)).map((to) => ({ from, to }));
  });
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "testing" ? [] : sourcesBelow(path);
    return entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts") ? [path] : [];
  });
}

function foldersImportedBy(root: string, file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/\bfrom "(\.[^"]+)"/g)].map(
    ([, specifier]) => relative(root, join(dirname(file), specifier)).split("/")[0],
  );
}
