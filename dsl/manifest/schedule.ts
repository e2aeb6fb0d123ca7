/** How guests share the machine's CPUs: what a manifest says of it, and what that comes to. */
import { ManifestError } from "./error.ts";
import type { PlaceModel, ScheduleModel, SchedulingModel } from "./model.ts";
import type { Nanoseconds } from "./units.ts";

/** The most host CPUs that an image can run guests on. */
export const mostCpus = 64;

/** How a guest's virtual CPUs get CPUs of the machine. */
export interface ScheduleOptions {
  /** Its share beside the other guests', all its virtual CPUs together: 1 to 65,535, 256 by default. */
  readonly weight?: number;
  /** What it gets at most, all its virtual CPUs together, in percent of one CPU. No limit by default. */
  readonly cap?: number;
  /** The CPUs that it runs on, and no others. By default all that are nobody's own. */
  readonly cpus?: readonly number[];
  /** Those that it runs on where it can choose. */
  readonly prefer?: readonly number[];
  /** Each of its virtual CPUs gets `budget` of CPU time in every `period`, before all guests without such a promise; and no more. */
  readonly realtime?: { readonly budget: Nanoseconds; readonly period: Nanoseconds };
  /** The CPU of each virtual CPU, on which nothing else runs. */
  readonly pin?: readonly number[];
}

/** How CPUs are shared, for all guests. */
export interface SchedulingOptions {
  /** How long a virtual CPU runs while others wait: 100 µs to 100 ms, 2 ms by default. */
  readonly slice?: Nanoseconds;
  /** How long one that an event wakes may have to wait for one that has had more than it: up to a slice, a quarter of it by default. */
  readonly latency?: Nanoseconds;
  /** How much of each CPU may be promised to real-time guests: percent, 80 by default. */
  readonly realtimeLimit?: number;
}

/** A guest whose schedule is to be resolved. */
export interface Scheduled {
  readonly name: string;
  readonly vcpus: number;
  readonly schedule: ScheduleOptions;
  readonly place: Error;
}

const microsecond = 1_000;

function requireRange(
  what: string,
  value: number,
  least: number,
  most: number,
  place: Error,
  unit = "",
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ManifestError(
    "TV5121",
    `${what} is ${value}${unit}, and must be a whole number from ${least} to ${most}`,
    [place],
  );
}

/** Refuses numbers that no schedule has. Throws TV5121. */
export function checkSchedule(name: string, vcpus: number, schedule: ScheduleOptions, place: Error): void {
  const option = (key: keyof ScheduleOptions): string => `schedule.${key} of guest "${name}"`;
  const { weight, cap, cpus, prefer, realtime, pin } = schedule;
  if (weight !== undefined) requireRange(option("weight"), weight, 1, 65_535, place);
  if (cap !== undefined) requireRange(option("cap"), cap, 1, 100 * vcpus, place, " %");
  for (const [key, list] of Object.entries({ cpus, prefer, pin })) {
    for (const cpu of list ?? []) requireRange(option(key as "cpus"), cpu, 0, mostCpus - 1, place);
    if (list?.length === 0)
      throw new ManifestError("TV5121", `${option(key as "cpus")} names no CPU`, [place]);
  }
  const without = (...keys: (keyof ScheduleOptions)[]): void => {
    for (const key of keys)
      if (schedule[key] !== undefined)
        throw new ManifestError(
          "TV5121",
          `${option(key)} has no meaning beside ${pin === undefined ? "realtime" : "pin"}`,
          [place],
        );
  };
  if (pin !== undefined) {
    without("cpus", "prefer");
    if (pin.length !== vcpus || new Set(pin).size !== vcpus)
      throw new ManifestError(
        "TV5121",
        `${option("pin")} names ${new Set(pin).size} CPUs, and the guest has ${vcpus} virtual CPUs`,
        [place],
      );
  }
  if (realtime !== undefined) {
    without("weight", "cap");
    requireRange(`${option("realtime")}.period`, realtime.period, 100_000, 10_000_000_000, place, " ns");
    requireRange(`${option("realtime")}.budget`, realtime.budget, 10_000, realtime.period, place, " ns");
    if (realtime.period % microsecond !== 0 || realtime.budget % microsecond !== 0)
      throw new ManifestError("TV5121", `${option("realtime")} is no whole number of microseconds`, [place]);
  }
}

/** What an image says for all guests, with the defaults filled in. Throws TV5121. */
export function resolveScheduling(options: SchedulingOptions, place: Error): SchedulingModel {
  const sliceNs: number = options.slice ?? 2_000_000;
  requireRange("scheduling.slice", sliceNs, 100_000, 100_000_000, place, " ns");
  const latencyNs: number = options.latency ?? Math.floor(sliceNs / 4);
  requireRange("scheduling.latency", latencyNs, 1_000, sliceNs, place, " ns");
  const realtimeLimitPercent = options.realtimeLimit ?? 80;
  requireRange("scheduling.realtimeLimit", realtimeLimitPercent, 1, 100, place, " %");
  return Object.freeze({ sliceNs, latencyNs, realtimeLimitPercent });
}

/** The CPUs that an image runs guests on where its manifest does not say: as many as there is work for. */
export function defaultCapacity(guests: readonly Scheduled[]): number {
  const named = guests.flatMap(({ schedule: { cpus = [], prefer = [], pin = [] } }) => [
    ...cpus,
    ...prefer,
    ...pin,
  ]);
  const vcpus = guests.reduce((sum, g) => sum + g.vcpus, 0);
  return Math.max(1, Math.min(vcpus, mostCpus), ...named.map((cpu) => cpu + 1));
}

/** Gives every virtual CPU its CPUs. Throws TV5150 where there are none, TV5151 where too much is promised. */
export function resolveSchedules(
  guests: readonly Scheduled[],
  capacity: number,
  { realtimeLimitPercent }: SchedulingModel,
): readonly ScheduleModel[] {
  const owners = new Map<number, Scheduled>();
  const refuse = (guest: Scheduled, why: string, ...others: readonly Scheduled[]): never => {
    throw new ManifestError("TV5150", `guest "${guest.name}" is to run on ${why}`, [
      guest.place,
      ...others.map((o) => o.place),
    ]);
  };
  for (const guest of guests) {
    const { cpus = [], prefer = [], pin = [] } = guest.schedule;
    for (const cpu of [...cpus, ...prefer, ...pin])
      if (cpu >= capacity) refuse(guest, `CPU ${cpu}, and the image's cpuCapacity is ${capacity}`);
    for (const cpu of pin) {
      const owner = owners.get(cpu);
      if (owner !== undefined) refuse(guest, `CPU ${cpu}, which guest "${owner.name}" has for itself`, owner);
      owners.set(cpu, guest);
    }
  }
  const common = Array.from({ length: capacity }, (_, cpu) => cpu).filter((cpu) => !owners.has(cpu));
  const promised = new Map<number, number>();
  return Object.freeze(
    guests.map((guest) => {
      const { weight = 256, cap, cpus, prefer = [], realtime, pin } = guest.schedule;
      for (const cpu of [...(cpus ?? []), ...prefer]) {
        const owner = owners.get(cpu);
        if (owner !== undefined)
          refuse(guest, `CPU ${cpu}, which guest "${owner.name}" has for itself`, owner);
      }
      const allowed = cpus === undefined ? common : [...new Set(cpus)].sort((a, b) => a - b);
      if (pin === undefined && allowed.length === 0)
        refuse(guest, `a CPU that is no other's own, and there is none`, ...owners.values());
      const outside = prefer.find((cpu) => !allowed.includes(cpu));
      if (outside !== undefined) refuse(guest, `CPU ${outside} where it can, which is none of its CPUs`);
      const places = Array.from({ length: guest.vcpus }, (_, i): PlaceModel => {
        const own = pin?.[i];
        let mine = own === undefined ? allowed : [own];
        if (realtime !== undefined) {
          const cpu = emptiest(mine, promised);
          const share = (promised.get(cpu) ?? 0) + realtime.budget / realtime.period;
          if (share * 100 > realtimeLimitPercent + 1e-9)
            throw new ManifestError(
              "TV5151",
              `virtual CPU ${i} of guest "${guest.name}" would bring what is promised of CPU ${cpu} to ${(share * 100).toFixed(1)} %, and at most ${realtimeLimitPercent} % may be`,
              [guest.place],
            );
          promised.set(cpu, share);
          mine = [cpu];
        }
        return Object.freeze({
          cpus: Object.freeze([...mine]),
          prefer: Object.freeze(prefer.filter((cpu) => mine.includes(cpu))),
          exclusive: own !== undefined,
        });
      });
      return Object.freeze({
        weight,
        capPercent: cap === undefined || cap === 100 * guest.vcpus ? null : cap,
        realtime:
          realtime === undefined
            ? null
            : Object.freeze({ budgetNs: realtime.budget, periodNs: realtime.period }),
        places: Object.freeze(places),
      });
    }),
  );
}

/** Of some CPUs, that of which the least is promised. */
function emptiest(cpus: readonly number[], promised: ReadonlyMap<number, number>): number {
  const load = (cpu: number): number => promised.get(cpu) ?? 0;
  return cpus.reduce((best, cpu) => (load(cpu) < load(best) ? cpu : best));
}
