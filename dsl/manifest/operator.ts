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

/** What is permitted, in the order of {@link allPermits}. Throws ManifestError for what cannot be. */
export function checkedPermits(of: string, given: readonly string[], place: Error): readonly Permit[] {
  for (const permit of given)
    if (!allPermits.some((p) => p === permit))
      throw new ManifestError(
        "TV5121",
        `${of} permits "${permit}", and there are ${allPermits.map((p) => `"${p}"`).join(", ")}`,
        [place],
      );
  return Object.freeze(allPermits.filter((p) => given.includes(p)));
}

/** Fills the defaults in. Throws ManifestError for what cannot be permitted. */
export function resolveOperator({ operator, saves, guests, place }: ImageDeclaration): OperatorModel | null {
  const hasPort = guests.some((g) =>
    g.devices.some((d) => d.parts.some((p) => p.part === "channel-end" && p.channel.ends === "operator")),
  );
  if (operator === undefined && saves === undefined && !hasPort) return null;
  return Object.freeze({
    console: checkedPermits("operator.console", operator?.console ?? allPermits, place),
  });
}
