/** The command line of `npm run bench`. */
import { Command, InvalidArgumentError } from "commander";
import { peerColumns, type PeerColumn } from "./figure.ts";
import { operationsNamed, UnknownOperation } from "./profile/operation.ts";

/** What the user asks for. */
export interface BenchFlags {
  readonly json?: string;
  readonly only?: string;
  readonly peers: readonly PeerColumn[];
  /** The full names of operations to profile instead. */
  readonly profile?: readonly string[];
}

/** Reads the arguments behind `npm run bench --`; says what is wrong with them and ends the process. */
export function benchFlags(args: readonly string[]): BenchFlags {
  return new Command("npm run bench --")
    .description("Measures Typevisor and its peers side by side: exits, boots, sizes; figures, not tests.")
    .option("--json <FILE>", "write every figure as JSON")
    .option("--only <NAME>", "measure only what has this name, or begins with it and a dot")
    .option(
      "--peers <NAMES>",
      `who is measured too: "none", or any of ${peerColumns.join(",")}`,
      peersOf,
      peerColumns,
    )
    .option(
      "--profile <OPERATIONS>",
      "list what the hypervisor executes for operations, such as cpuid or xapic.read, and measure nothing",
      profiled,
    )
    .parse(args, { from: "user" })
    .opts<BenchFlags>();
}

/** The peers that a list names, in the order of the columns. */
export function peersOf(list: string): readonly PeerColumn[] {
  if (list === "none") return [];
  const names = list.split(",");
  const unknown = names.find((name) => !peerColumns.some((column) => column === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `there is no peer named "${unknown}"; there are ${peerColumns.join(", ")}`,
    );
  }
  return peerColumns.filter((column) => names.includes(column));
}

function profiled(list: string): readonly string[] {
  try {
    return operationsNamed(list);
  } catch (error) {
    if (error instanceof UnknownOperation) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
