/** Keeps a full run of the benchmark: a line in the history, and the page. */
import { join, relative } from "node:path";
import { repositoryRoot } from "../../../compiler/root.ts";
import type { Outcome } from "../figure.ts";
import { currentCommit } from "./commit.ts";
import { pageData } from "./data.ts";
import { appendToHistory, readHistory } from "./history.ts";
import { writePage } from "./write.ts";

const history = "bench/history.jsonl";
const page = "out/bench/index.html";

/** A run of everything. */
export interface FullRun {
  readonly outcomes: readonly Outcome[];
  /** Something went wrong that never should: the run is shown, and not remembered. */
  readonly failed: boolean;
}

/**
 * Adds a run to the history and writes the page.
 * @param tell gets a line for each thing that the user should know
 * @param root the folder of the repository that was measured
 */
export async function keepRun(
  { outcomes, failed }: FullRun,
  tell: (line: string) => void,
  root = repositoryRoot,
): Promise<void> {
  const file = join(root, history);
  const commit = currentCommit(root, history);
  if (!failed) appendToHistory(file, commit, outcomes);
  const kept = readHistory(file);
  for (const { line, reason } of kept.broken) tell(`warning: ${history}:${line} is left out: ${reason}`);
  await writePage(pageData(outcomes, commit, kept), join(root, page));
  tell(`the charts are in ${relative(process.env["INIT_CWD"] ?? ".", join(root, page))}`);
}
