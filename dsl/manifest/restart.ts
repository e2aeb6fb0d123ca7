/** How a guest is restarted that ends again and again, as a manifest declares it. */
import { ManifestError } from "./error.ts";
import type { RestartModel } from "./model.ts";
import { seconds, type Nanoseconds } from "./units.ts";

/** How soon and how often a guest is restarted. */
export interface RestartOptions {
  /** What it waits for before the first restart; twice as long before each further one in a row. */
  readonly backOff: Nanoseconds;
  /** The longest that it waits; a minute by default, or `backOff` where that is longer. At most an hour. */
  readonly longestBackOff?: Nanoseconds;
  /** A run that lasts as long ends the row; a minute by default. */
  readonly calm?: Nanoseconds;
  /** Restarts in a row, after which it stays stopped; no limit by default. */
  readonly most?: number;
}

/** What follows on an end that a guest may be restarted after. */
export type RestartRule = "restart" | "stop" | { readonly restart: RestartOptions };

const hour = seconds(3600);

/** The two parts of the model that a rule comes to. Throws ManifestError for times and numbers that cannot be. */
export function resolveRestart(
  rule: RestartRule,
  option: string,
  place: Error,
): { readonly follows: "restart" | "stop"; readonly policy: RestartModel | null } {
  if (typeof rule === "string") return { follows: rule, policy: null };
  const { backOff, longestBackOff = Math.max(seconds(60), backOff), calm = seconds(60), most } = rule.restart;
  const check = (name: string, value: number, least: number, last: number): void => {
    if (Number.isSafeInteger(value) && value >= least && value <= last) return;
    throw new ManifestError(
      "TV5121",
      `${option}.restart.${name} is ${value}, and must be a whole number from ${least} to ${last}`,
      [place],
    );
  };
  check("backOff", backOff, 1, hour);
  check("longestBackOff", longestBackOff, backOff, hour);
  check("calm", calm, 1, 24 * hour);
  if (most !== undefined) check("most", most, 1, 1_000_000);
  const policy: RestartModel = Object.freeze({
    backOffNs: backOff,
    longestBackOffNs: longestBackOff,
    calmNs: calm,
    most: most ?? null,
  });
  return { follows: "restart", policy };
}
