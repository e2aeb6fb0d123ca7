/** What the scheduler keeps of each vCPU, guest and CPU, and what it knows of them from the manifest. */
import { array, bool, struct, type FixedArray, type ValueOf } from "../../dsl/core/layout.ts";
import { i32, i64, u32, u64, u8 } from "../../dsl/core/int.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { ScheduledImage } from "./scheduler.ts";

/** A vCPU. */
export const Member = struct("ScheduledVcpu", {
  /** It can run. */
  ready: bool,
  /** One more than the CPU that runs it; 0: none. */
  on: u32,
  /** The CPU that it waits for, or ran on last. */
  home: u32,
  /** Ticks that it has run. */
  ran: u64,
  /** Its virtual time: what it has run while others waited, by its weight. */
  virtual: u64,
  /** What is left of what it was granted of its guest's cap, or of its real-time budget, in ticks. */
  left: i64,
  /** Real-time: the end of its period. */
  deadline: u64,
});
export type Member = ValueOf<typeof Member>;

/** A guest. */
export const Group = struct("ScheduledGuest", {
  /** vCPUs that can run. */
  ready: u8,
  /** Those that wait for the cap. */
  parked: u8,
  /** What it may use of its cap, in hundredths of a tick, as of `filled`. */
  credit: i64,
  filled: u64,
  /** Ticks that its running vCPUs were granted and have not used. */
  granted: i64,
  /** Ticks of others' turns that were its own: the next of its vCPUs that is accounted for has used them. */
  owed: i64,
});
export type Group = ValueOf<typeof Group>;

/** A CPU. */
export const Processor = struct("ScheduledCpu", {
  /** The vCPU that it runs, or -1. */
  current: i32,
  /** A vCPU that it is to run next, or -1. */
  target: i32,
  /** What it runs gives way. */
  gives: bool,
  /** Up to when it has accounted. */
  since: u64,
  /** When its vCPU's turn began, with which virtual time, and when it ends. */
  turnStart: u64,
  turnVirtual: u64,
  turnEnd: u64,
  /** The least virtual time of what it ran and what waited for it. */
  virtual: u64,
  /** Virtual time that went by while its vCPU had no rival; it counts for those that sleep. */
  lapsed: u64,
  deadline: u64,
  /** The CPU whose queue it looks at next. */
  looks: u32,
});
export type Processor = ValueOf<typeof Processor>;

/** All of them, and their constants. */
export interface Members {
  readonly vcpus: FixedArray<Member>;
  readonly groups: FixedArray<Group>;
  readonly cpus: FixedArray<Processor>;
  /** By vCPU: its guest, its set of CPUs by number, the CPUs that it may run on and those that it prefers as bits. */
  readonly guestOf: FixedArray<u32>;
  readonly classOf: FixedArray<u32>;
  readonly allowed: FixedArray<u64>;
  readonly preferred: FixedArray<u64>;
  /** By guest: 2^32 / weight. */
  readonly inverse: FixedArray<u32>;
  /** The distinct sets of CPUs of those that are not real-time. */
  readonly classes: readonly { readonly cpus: readonly number[]; readonly vcpus: number }[];
  readonly count: number;
  readonly capacity: number;
}

const bitsOf = (cpus: readonly number[]): bigint =>
  cpus.reduce((bits, cpu) => bits | (1n << BigInt(cpu)), 0n);

/** Lays it out for an image. */
export function members({ guests, cpuCapacity: capacity }: ScheduledImage): Members {
  const all = guests.flatMap((guest: ScheduledImage["guests"][number]) =>
    guest.schedule.places.map((place) => ({ guest, place, key: place.cpus.join() })),
  );
  const count = all.length;
  const fair = all.filter(({ guest }) => guest.schedule.realtime === null);
  const keys = [...new Set(fair.map(({ key }) => key))];
  const constants = <T extends typeof u32 | typeof u64>(
    name: string,
    type: T,
    values: readonly (number | bigint)[],
  ) => {
    const list = storage(name, array(type, values.length), { constant: true }) as FixedArray<unknown>;
    for (const [i, value] of values.entries()) list[i] = value;
    return list;
  };
  return Object.freeze({
    vcpus: storage("scheduledVcpus", array(Member, count)),
    groups: storage("scheduledGuests", array(Group, guests.length)),
    cpus: storage("scheduledCpus", array(Processor, capacity)),
    guestOf: constants(
      "vcpuGuests",
      u32,
      all.map(({ guest }) => guest.index),
    ) as FixedArray<u32>,
    classOf: constants(
      "vcpuClasses",
      u32,
      all.map(({ key }) => Math.max(keys.indexOf(key), 0)),
    ) as FixedArray<u32>,
    allowed: constants(
      "vcpuCpus",
      u64,
      all.map(({ place }) => bitsOf(place.cpus)),
    ) as FixedArray<u64>,
    preferred: constants(
      "vcpuPreferred",
      u64,
      all.map(({ place }) => bitsOf(place.prefer)),
    ) as FixedArray<u64>,
    inverse: constants(
      "guestInverse",
      u32,
      guests.map(({ schedule }) => Math.floor(0xffff_ffff / schedule.weight)),
    ) as FixedArray<u32>,
    classes: Object.freeze(
      keys.map((key) => {
        const alike = fair.filter((v) => v.key === key);
        return Object.freeze({ cpus: alike[0]!.place.cpus, vcpus: alike.length });
      }),
    ),
    count,
    capacity,
  });
}
