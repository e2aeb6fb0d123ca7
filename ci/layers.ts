/** The layers of tests: which files belong to which, told by the file's name and folder. */
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";

/** A layer of tests that runs alone with `npm run test:NAME`. */
export interface Layer {
  readonly name: string;
  /** What the layer shows, for the screen. */
  readonly what: string;
  readonly matches: (path: string) => boolean;
  /** Boots share two cores badly: one after the other. */
  readonly serial?: boolean;
}

const named = (kind: string) => (path: string) => path.endsWith(`.${kind}.test.ts`);

const byName: readonly Layer[] = [
  { name: "types", what: "what the type checker accepts and refuses", matches: named("types") },
  { name: "diagnostics", what: "every diagnostic, provoked by its fixture", matches: named("diag") },
  { name: "ir", what: "golden IR", matches: named("ir") },
  { name: "models", what: "device models in Node", matches: named("model") },
  { name: "native", what: "Node against native code", matches: named("native") },
  { name: "boot", what: "boots under an emulator", matches: named("boot"), serial: true },
];

const isNamed = (path: string): boolean => byName.some((layer) => layer.matches(path));
const isKernel = (path: string): boolean => /^(kernel|platforms)\//.test(path);

/** The layers in the order in which they run: the quick first. */
export const layers: readonly Layer[] = [
  { name: "unit", what: "single functions", matches: (path) => !isNamed(path) && !isKernel(path) },
  ...byName.slice(0, 5),
  { name: "kernel", what: "kernel logic on the host", matches: (path) => !isNamed(path) && isKernel(path) },
  byName[5],
];

const skippedFolders = new Set(["node_modules", "out", ".cache", ".git"]);

/** Every test file below a folder, as sorted paths relative to it. */
export function testFiles(root: string, folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : testFiles(root, path);
      return entry.name.endsWith(".test.ts") ? [relative(root, path)] : [];
    })
    .sort();
}
