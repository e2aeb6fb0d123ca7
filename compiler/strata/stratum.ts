/** The stratum of a source file: by its top folder, and by nothing that the file says. */
import type { Sources } from "../source/load.ts";

export type Stratum = "model" | "kernel" | "platform" | "dsl" | "image" | "test";

const byFolder: Readonly<Record<string, Stratum>> = {
  devices: "model",
  kernel: "kernel",
  platforms: "platform",
  dsl: "dsl",
  images: "image",
};

/** Folders that hold a project of their own, for tests of the compiler. */
const projectsWithin = /^compiler\/(?:[\w-]+\/)*(?:fixtures|testdata)\//;

/** The stratum of a file by its path relative to the project. Tests and the compiler itself are in none: `test`. */
export function stratumOfPath(displayPath: string): Stratum {
  if (displayPath.endsWith(".test.ts")) return "test";
  const path = displayPath.replace(projectsWithin, "");
  return byFolder[path.slice(0, path.indexOf("/"))] ?? "test";
}

/** The stratum of a file of the sources. */
export function stratumOf(sources: Pick<Sources, "displayPath">, fileName: string): Stratum {
  return stratumOfPath(sources.displayPath(fileName));
}
