/**
 * The manifest of an appliance: a module that default-exports what `image` returns. Wrong manifests are type errors
 * where a type can say it, and ManifestErrors that name every place at fault otherwise.
 *
 * ```ts
 * export default image({
 *   name: "hello-linux",
 *   guests: [
 *     guest({
 *       name: "linux",
 *       memory: mib(512),
 *       vcpus: 1,
 *       kernel: linux({ kernel: payload("vmlinuz-cloud"), commandLine: "console=ttyS0" }),
 *       devices: q35(),
 *     }),
 *   ],
 * });
 * ```
 */
import { ManifestError, placeOf } from "./manifest/error.ts";
import type { GuestDeclaration } from "./manifest/guest.ts";
import type { ImageModel } from "./manifest/model.ts";
import { checkName, type Identifier } from "./manifest/names.ts";
import type { OperatorOptions } from "./manifest/operator.ts";
import type { Placement } from "./manifest/payload.ts";
import { resolve, type ResolvedPayload } from "./manifest/resolve.ts";
import { defaultCapacity, mostCpus, resolveScheduling, type SchedulingOptions } from "./manifest/schedule.ts";
import type { Bytes, Nanoseconds } from "./manifest/units.ts";
import type { VolumeDeclaration } from "./manifest/volume.ts";

export { pipe } from "./manifest/channel.ts";
export { guest } from "./manifest/guest.ts";
export { bios, linux, multiboot, multiboot2, pvh, uefi } from "./manifest/kernel.ts";
export { network } from "./manifest/network.ts";
export { payload } from "./manifest/payload.ts";
export { sharedMemory } from "./manifest/shared-memory.ts";
export { espFile, partition } from "./manifest/volume.ts";
export { gib, kib, microseconds, mib, milliseconds, seconds } from "./manifest/units.ts";
export type { Bytes, Nanoseconds } from "./manifest/units.ts";

export interface ImageOptions<Name extends string> {
  /** Names the output files. */
  readonly name: Identifier<Name> & string;
  readonly guests: readonly [GuestDeclaration, ...GuestDeclaration[]];
  /** The machine's serial port. By default the first guest has COM1. */
  readonly console?: {
    /** First I/O port; 0x3f8 by default. */
    readonly port?: 0x3f8 | 0x2f8 | 0x3e8 | 0x2e8;
    /** 115,200 by default. */
    readonly baud?: 9600 | 19200 | 38400 | 57600 | 115200;
    /** The guest whose first serial port it is; null: the hypervisor's notices only. */
    readonly guest?: string | null;
  };
  /** Where payloads go that do not say it themselves; `sealed` by default. */
  readonly payloads?: Placement;
  /** Run on a machine without ACPI tables, on one CPU. */
  readonly permitNoAcpi?: boolean;
  /**
   * Host CPUs that run guests at most: 1 to 64. By default as many as there are virtual CPUs, and as the guests'
   * schedules name.
   */
  readonly cpuCapacity?: number;
  /** How guests share CPUs, as far as it is one for all; a guest's `schedule` says the rest. */
  readonly scheduling?: SchedulingOptions;
  readonly events?: {
    /** Records of each CPU's ring: a power of two from 64 to 65,536; 256 by default. */
    readonly recordsPerCpu?: number;
  };
  /** How much later than asked for a timer may be served; not at all by default, at most 10 ms. */
  readonly timerSlack?: Nanoseconds;
  /** Traces what guests do to their devices, and what those do; the machine's debug port gives it out. Not at all by default. */
  readonly trace?: {
    /** Names of devices, alone or as `guest/device`; all by default. */
    readonly devices?: readonly string[];
    /** Records of each CPU's ring: a power of two from 64 to 65,536; 4,096 by default. */
    readonly recordsPerCpu?: number;
  };
  /**
   * Where guests are saved: a partition with room for their memory. With it comes the operator's prompt. By default
   * guests cannot be saved.
   */
  readonly saves?: VolumeDeclaration;
  /**
   * The operator's prompt on the host's console, which Ctrl-] opens: guests are started and stopped there, and looked
   * at. By default there is none.
   */
  readonly operator?: OperatorOptions;
  /** The machine that the appliance is for; a machine that cannot hold it is then a build error. */
  readonly machine?: { readonly memory: Bytes };
}

/** What a manifest's module exports. */
export interface Manifest {
  readonly kind: "manifest";
  readonly model: ImageModel;
  /** In the model's order; devices keep what emulates them. */
  readonly guests: readonly GuestDeclaration[];
  /** In the model's order, with where each was declared. */
  readonly payloads: readonly ResolvedPayload[];
  readonly place: Error;
}

/** Declares an appliance. Throws ManifestError where it cannot work. */
export function image<const Name extends string>(options: ImageOptions<Name>): Manifest {
  const name: string = options.name;
  const place = placeOf(`image "${name}"`);
  checkName("an image", name, place);
  const guests: readonly GuestDeclaration[] = options.guests;
  const cpuCapacity = options.cpuCapacity ?? defaultCapacity(guests);
  inRange("cpuCapacity", cpuCapacity, 1, mostCpus, place);
  const recordsPerCpu = options.events?.recordsPerCpu ?? 256;
  ringLength("events.recordsPerCpu", recordsPerCpu, place);
  const traceRecords = options.trace?.recordsPerCpu ?? 4096;
  ringLength("trace.recordsPerCpu", traceRecords, place);
  const timerSlackNs: number = options.timerSlack ?? 0;
  inRange("timerSlack", timerSlackNs, 0, 10_000_000, place);
  const resolved = resolve({
    name,
    guests,
    payloads: options.payloads ?? "sealed",
    console: {
      port: options.console?.port ?? 0x3f8,
      baud: options.console?.baud ?? 115_200,
      guest: options.console?.guest === undefined ? (guests[0]?.name ?? null) : options.console.guest,
    },
    permitNoAcpi: options.permitNoAcpi ?? false,
    cpuCapacity,
    scheduling: resolveScheduling(options.scheduling ?? {}, place),
    recordsPerCpu,
    timerSlackNs,
    trace:
      options.trace === undefined
        ? null
        : Object.freeze({
            recordsPerCpu: traceRecords,
            devices: options.trace.devices === undefined ? null : Object.freeze([...options.trace.devices]),
          }),
    saves: options.saves,
    operator: options.operator,
    machine: options.machine && { memoryBytes: options.machine.memory },
    place,
  });
  return Object.freeze({ kind: "manifest", ...resolved, place });
}

function ringLength(option: string, records: number, place: Error): void {
  inRange(option, records, 64, 65_536, place);
  if ((records & (records - 1)) === 0) return;
  throw new ManifestError("TV5121", `${option} is ${records}, and must be a power of two`, [place]);
}

function inRange(option: string, value: number, least: number, most: number, place: Error): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ManifestError(
    "TV5121",
    `${option} is ${value}, and must be a whole number from ${least} to ${most}`,
    [place],
  );
}
