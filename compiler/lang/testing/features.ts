/** The programs beside the constructs, as one, so that they are loaded, compiled and linked once. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { EntryPoint, Program } from "../../../dsl/core/program.ts";
import { runFrontEnd, type FrontEnd } from "../../front-end.ts";
import { repositoryRoot } from "../../root.ts";
import { lowerProgram, type LoweringOptions } from "../lower.ts";
import { explained } from "./explain.ts";
import { linkTwin, type Twin } from "./twin.ts";

/** How the file of a construct's program ends: `switch.feature.ts` stands beside `switch.ts`. */
export const featureEnding = ".feature.ts";

/** Where constructs and their programs are. */
export const languageFolder = join(repositoryRoot, "compiler/lang");

/** The program of one construct. */
export interface Feature {
  /** The construct's file, relative to `compiler/lang` and without its ending: `statements/switch`. */
  readonly name: string;
  /** Its entry points; their symbols carry the name in front. */
  readonly entries: readonly EntryPoint[];
}

/** Every `*.feature.ts` under `compiler/lang`, without that ending and sorted. */
export function featureNames(): readonly string[] {
  return readdirSync(languageFolder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(featureEnding))
    .map((file) => file.slice(0, -featureEnding.length))
    .sort();
}

/** Evaluates every program in one realm. Throws where one is refused, and says where. */
export function loadFeatures(): { readonly features: readonly Feature[]; readonly frontEnd: FrontEnd } {
  const names = featureNames();
  const files = names.map((name) => join(languageFolder, name + featureEnding));
  const frontEnd = explained(() => runFrontEnd(files[0]!, files.slice(1)));
  const features = names.map((name, i): Feature => {
    const { entries } = frontEnd.realm.module(files[i]!)["program"] as Program;
    return { name, entries: entries.map((entry) => ({ ...entry, symbol: `${name}.${entry.symbol}` })) };
  });
  return { features, frontEnd };
}

/**
 * Compiles every program; where intervals are checked, an integer outside its own traps. Throws where a program is
 * refused, and says where.
 */
export async function makeFeatures(options: Omit<LoweringOptions, "debug">): Promise<{
  readonly features: readonly Feature[];
  readonly twin: Twin;
}> {
  const { features, frontEnd } = loadFeatures();
  const program: Program = { name: "features", entries: features.flatMap((f) => f.entries) };
  const module = explained(() => lowerProgram(frontEnd, program, { ...options, debug: false }));
  return { features, twin: await linkTwin(module, program) };
}
