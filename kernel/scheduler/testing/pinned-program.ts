/** The schedulers of images in which there is nothing to decide. */
import type { Program } from "../../../dsl/core/program.ts";
import { schedulerOf } from "../scheduler.ts";
import { entriesOf, scheduledImage } from "./entries.ts";

/** One vCPU on one CPU. */
const alone = schedulerOf(scheduledImage([{}]));
/** Three, each with a CPU of its own. */
const apart = schedulerOf(scheduledImage([{ pin: [2] }, { vcpus: 2, pin: [0, 3] }]));

export const program: Program = {
  name: "pinned",
  entries: [...entriesOf("alone", alone), ...entriesOf("apart", apart)],
};
