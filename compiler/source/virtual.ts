/** Programs from texts, for tests of the compiler: as if their files stood in the repository. */
import { join } from "node:path";
import { repositoryRoot } from "../root.ts";
import { loadSources, type Sources } from "./load.ts";

/** Absolute path of a file of the repository, by its path in it. */
export function repositoryPath(displayPath: string): string {
  return join(repositoryRoot, displayPath);
}

/** Loads texts by path (`kernel/a.ts`); the first is the root. They import the repository's own `dsl/`. */
export function virtualSources(files: Readonly<Record<string, string>>): Sources {
  const overlay = new Map(Object.entries(files).map(([path, text]) => [repositoryPath(path), text]));
  const [root] = overlay.keys();
  return loadSources(root === undefined ? [] : [root], { overlay });
}
