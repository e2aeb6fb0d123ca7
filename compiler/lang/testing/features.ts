/** All programs under `features/` as one, so that they are loaded, compiled and linked once. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { EntryPoint, Program } from "../../../dsl/core/program.ts";
import { runFrontEnd } from "../../front-end.ts";
import { repositoryRoot } from "../../root.ts";
import { lowerProgram } from "../lower.ts";
import { linkTwin, type Twin } from "./twin.ts";

/** One language feature: its name and its entry points, whose symbols carry the name in front. */
export interface Feature {
  readonly name: string;
  readonly entries: readonly EntryPoint[];
}

/** Compiles every feature. Throws DiagnosticError where one is refused. */
export async function makeFeatures(): Promise<{
  readonly features: readonly Feature[];
  readonly twin: Twin;
}> {
  const folder = join(repositoryRoot, "compiler/lang/features");
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => join(folder, file));
  const frontEnd = runFrontEnd(files[0]!, files.slice(1));
  const features = files.map((file): Feature => {
    const { name, entries } = frontEnd.realm.module(file)["program"] as Program;
    return { name, entries: entries.map((entry) => ({ ...entry, symbol: `${name}.${entry.symbol}` })) };
  });
  const program: Program = { name: "features", entries: features.flatMap((f) => f.entries) };
  return { features, twin: await linkTwin(lowerProgram(frontEnd, program, { debug: false }), program) };
}
