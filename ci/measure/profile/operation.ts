/** Which operation of the payload a user means. */
import { measuredNames } from "../../../platforms/x86_64/bare-guest/measure.ts";

/** What was asked for is no operation, or several. */
export class UnknownOperation extends Error {
  override readonly name = "UnknownOperation";
}

/** The full name of an operation, of which a user may say the end alone: `cpuid` is `exit.cpuid`. */
export function operationNamed(asked: string, names: readonly string[] = measuredNames): string {
  const found = names.filter((name) => name === asked || name.endsWith(`.${asked}`));
  if (found.length === 1) return found[0];
  const problem = found.length === 0 ? "no operation is" : "several operations are";
  const offered = (found.length === 0 ? names : found).join(", ");
  throw new UnknownOperation(`${problem} named "${asked}": ${offered}`);
}

/** The full names of a list of operations. */
export function operationsNamed(list: string): readonly string[] {
  return list.split(",").map((asked) => operationNamed(asked));
}
