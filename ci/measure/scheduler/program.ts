/** Schedulers of images with more and more vCPUs, all alike and all on two CPUs, as one program. */
import type { Program } from "../../../dsl/core/program.ts";
import { schedulerOf } from "../../../kernel/scheduler/scheduler.ts";
import { entriesOf, scheduledImage } from "../../../kernel/scheduler/testing/entries.ts";

/** How many vCPUs there are. */
export const counts = [1, 10, 100, 1000] as const;

export const program: Program = {
  name: "schedulers",
  entries: counts.flatMap((count) => {
    const image = scheduledImage(
      Array.from({ length: count }, () => ({})),
      2,
    );
    return entriesOf(`of${count}`, schedulerOf(image));
  }),
};
