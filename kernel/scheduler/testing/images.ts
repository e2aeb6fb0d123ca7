/** The images that the tests simulate. */
import type { Program } from "../../../dsl/core/program.ts";
import { schedulerOf, type ScheduledImage, type Scheduler } from "../scheduler.ts";
import { entriesOf, scheduledImage, type SampleGuest } from "./entries.ts";

const busy = (count: number): readonly SampleGuest[] => Array.from({ length: count }, () => ({}));
const us = (n: number): never => (n * 1_000) as never;

/** The images that are simulated. */
export const samples = {
  alone: scheduledImage([{}], 2),
  one: scheduledImage([{ weight: 256 }, { weight: 768 }], 1),
  even: scheduledImage(busy(4), 2),
  weighted: scheduledImage([{ weight: 256 }, { weight: 768 }, { weight: 40 }, { weight: 3000 }], 1),
  wide: scheduledImage([{ vcpus: 4 }, {}, { vcpus: 2, weight: 512 }], 1),
  three: scheduledImage(busy(3), 2),
  seven: scheduledImage([{ weight: 100 }, { weight: 200 }, { weight: 300 }, { weight: 400 }, ...busy(3)], 4),
  many: scheduledImage(
    Array.from({ length: 20 }, (_, i) => ({ weight: 100 + 25 * i })),
    8,
  ),
  storm: scheduledImage(busy(16), 2),
  greedy: scheduledImage([{ weight: 65_535 }, {}, {}], 2),
  caps: scheduledImage([{ cap: 10 }, { cap: 50 }, { weight: 64 }, { vcpus: 4, cap: 130 }], 4),
  bound: scheduledImage(
    [{ cpus: [0] }, { cpus: [0] }, { cpus: [1, 2] }, { cpus: [2, 3] }, { vcpus: 2, prefer: [3] }, {}],
    4,
  ),
  realtime: scheduledImage(
    [
      { realtime: { budget: us(2_000), period: us(10_000) } },
      { realtime: { budget: us(1_000), period: us(4_000) }, cpus: [0] },
      { vcpus: 2 },
      { cap: 40 },
    ],
    2,
  ),
  pinned: scheduledImage([{ pin: [1] }, { vcpus: 2, pin: [0, 2] }]),
} as const satisfies Record<string, ScheduledImage>;
/** The name of one. */
export type Sample = keyof typeof samples;

/** Every sample's scheduler in Node, and all of them as one program. */
export const schedulers = Object.fromEntries(
  Object.entries(samples).map(([name, image]) => [name, schedulerOf(image)]),
) as Readonly<Record<Sample, Scheduler>>;
export const program: Program = {
  name: "schedulers",
  entries: Object.entries(schedulers).flatMap(([name, s]) => entriesOf(name, s)),
};
