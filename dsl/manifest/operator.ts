/** The operator, as a manifest declares what there is for him to do. */
import type { ImageDeclaration } from "./resolve.ts";
import { ManifestError } from "./error.ts";

/**
 * What a channel permits: to see how things stand, to start and stop guests and to talk to them, and to restart the
 * machine or to turn it off.
 */
export type Permit = "observe" | "control" | "machine";

/** All of them. */
export const allPermits: readonly Permit[] = Object.freeze(["observe", "control", "machine"]);

/** Who may do what. */
export interface OperatorOptions {
  /** What the host's console permits: everything by default. */
  readonly console?: readonly Permit[];
}

/** The operator's model: what the host's console permits, in the order of {@link allPermits}. */
export interface OperatorModel {
  readonly console: readonly Permit[];
}

/** Fills the defaults in. Throws ManifestError for what cannot be permitted. */
export function resolveOperator({ operator, saves, place }: ImageDeclaration): OperatorModel | null {
  if (operator === undefined && saves === undefined) return null;
  const given: readonly string[] = operator?.console ?? allPermits;
  for (const permit of given)
    if (!allPermits.some((p) => p === permit))
      throw new ManifestError(
        "TV5121",
        `operator.console permits "${permit}", and there are ${allPermits.map((p) => `"${p}"`).join(", ")}`,
        [place],
      );
  return Object.freeze({ console: Object.freeze(allPermits.filter((p) => given.includes(p))) });
}
