import { join, type Interval } from "./interval.ts";
import type { Env, Variable } from "./function.ts";

/** What is known where two paths meet. */
export function joinEnvs(a: Env, b: Env): Env {
  if (a === undefined) return b;
  if (b === undefined) return a;
  const joined = new Map<Variable, Interval>();
  for (const [variable, range] of a) {
    const other = b.get(variable);
    if (other !== undefined) joined.set(variable, join(range, other));
  }
  return joined;
}
