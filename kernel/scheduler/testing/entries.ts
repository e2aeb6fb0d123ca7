/** Images as the scheduler knows them, and the entry points through which it is reached natively. */
import { bool, type AnyFunction } from "../../../dsl/core/layout.ts";
import { i32, u32, u64 } from "../../../dsl/core/int.ts";
import type { EntryPoint } from "../../../dsl/core/program.ts";
import { placeOf } from "../../../dsl/manifest/error.ts";
import {
  defaultCapacity,
  resolveScheduling,
  resolveSchedules,
  type ScheduleOptions,
  type SchedulingOptions,
} from "../../../dsl/manifest/schedule.ts";
import type { ScheduledImage, Scheduler } from "../scheduler.ts";

/** A guest: how many vCPUs it has (1 unless said), and its schedule. */
export interface SampleGuest extends ScheduleOptions {
  readonly vcpus?: number;
}

/** What the scheduler is told of an image with such guests. */
export function scheduledImage(
  guests: readonly SampleGuest[],
  cpuCapacity?: number,
  options: SchedulingOptions = {},
): ScheduledImage {
  const place = placeOf("test");
  const declared = guests.map(({ vcpus = 1, ...schedule }, i) => ({ name: `g${i}`, vcpus, schedule, place }));
  const scheduling = resolveScheduling(options, place);
  const capacity = cpuCapacity ?? defaultCapacity(declared);
  return {
    cpuCapacity: capacity,
    scheduling,
    guests: resolveSchedules(declared, capacity, scheduling).map((schedule, index) => ({ index, schedule })),
  };
}

/** The functions of a scheduler as entry points; their names start with that of its image. */
export function entriesOf(name: string, s: Scheduler): readonly EntryPoint[] {
  const entry = (
    what: string,
    fn: AnyFunction,
    params: EntryPoint["params"],
    result?: EntryPoint["result"],
  ): EntryPoint => ({ symbol: `${name}_${what}`, fn, params, result });
  return [
    entry("start", s.start, [u64]),
    entry("online", s.online, [u32, u64]),
    entry("wake", s.wake, [u32, u64, bool]),
    entry("sleep", s.sleep, [u32, u64]),
    entry("charge", s.charge, [u32, u32, u64, u64]),
    entry("choose", s.choose, [u32, u64], i32),
    entry("deadline", s.deadline, [u32], u64),
    entry("giveWay", s.giveWay, [u32, i32, u64]),
    entry("takeSignals", s.takeSignals, [], u64),
    entry("ran", s.ran, [u32], u64),
  ];
}
