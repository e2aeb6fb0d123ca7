/** Everything that `npm run bench` measures, in order. A new figure is one more entry. */
import { bareBoot } from "./bare-boot.ts";
import { bootRatio } from "./boot-ratio.ts";
import { buildTime } from "./build-time.ts";
import { exitCost } from "./exit-cost.ts";
import type { Measurement } from "./figure.ts";

/** The measurements. */
export const measurements: readonly Measurement[] = [
  buildTime("images/hello-linux.ts"),
  exitCost,
  bootRatio,
  bareBoot("amd64", "vmlinuz-amd64"),
];
