/** A guest as a manifest declares it. */
import { withoutAbsentControllers, type DeviceDeclaration, type DeviceTemplate } from "./device.ts";
import { ManifestError, placeOf } from "./error.ts";
import { isFirmware, type KernelDeclaration } from "./kernel.ts";
import { memoryLimits } from "./memory.ts";
import type { PowerModel, SpeculationModel } from "./model.ts";
import { pciPlaces } from "./pci.ts";
import { checkName, type Identifier } from "./names.ts";
import { resolveRestart, type RestartRule } from "./restart.ts";
import { checkSchedule, type ScheduleOptions } from "./schedule.ts";
import { seconds, type Bytes, type Nanoseconds } from "./units.ts";

/** How many virtual CPUs a guest may have. */
export type VcpuCount =
  | 1
  | 2
  | 3
  | 4
  | 5
  | 6
  | 7
  | 8
  | 9
  | 10
  | 11
  | 12
  | 13
  | 14
  | 15
  | 16
  | 17
  | 18
  | 19
  | 20
  | 21
  | 22
  | 23
  | 24
  | 25
  | 26
  | 27
  | 28
  | 29
  | 30
  | 31
  | 32;
/** The largest {@link VcpuCount}. */
export const maxVcpus = 32;

export interface GuestOptions<Name extends string> {
  readonly onPowerOff?: PowerModel["onPowerOff"];
  readonly onReboot?: RestartRule;
  readonly onCrash?: RestartRule;
  /** Unique in the image. */
  readonly name: Identifier<Name> & string;
  readonly memory: Bytes;
  readonly vcpus: VcpuCount;
  readonly kernel: KernelDeclaration;
  readonly devices: readonly (DeviceDeclaration | DeviceTemplate)[];
  /** How it shares the machine's CPUs; without: all guests get the same. */
  readonly schedule?: ScheduleOptions;
  /** How long it may take to turn itself off when the operator asks it to, up to an hour; 30 s by default. */
  readonly stopDeadline?: Nanoseconds;
  /** What keeps the CPU's predictions of this guest's and of others' apart; all of it by default. */
  readonly speculation?: Partial<SpeculationModel>;
}

/** A guest, declared. */
export interface GuestDeclaration {
  readonly kind: "guest";
  readonly name: string;
  readonly memoryBytes: number;
  readonly vcpus: number;
  readonly kernel: KernelDeclaration;
  readonly devices: readonly DeviceDeclaration[];
  readonly power: PowerModel;
  readonly schedule: ScheduleOptions;
  readonly speculation: SpeculationModel;
  readonly place: Error;
}

/**
 * Declares a guest. By default a power-off and a crash stop the guest, and a reboot starts it again. Throws
 * ManifestError for a name, a memory size or a number of virtual CPUs that cannot be.
 */
export function guest<const Name extends string>(options: GuestOptions<Name>): GuestDeclaration {
  const name: string = options.name;
  const place = placeOf(`guest "${name}"`);
  checkName("a guest", name, place);
  const { vcpus, memory } = options as { readonly vcpus: number; readonly memory: number };
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > maxVcpus) {
    throw new ManifestError(
      "TV5105",
      `guest "${name}" has ${vcpus} virtual CPUs, and a guest has 1 to ${maxVcpus}`,
      [place],
    );
  }
  const { least, most, step } = memoryLimits;
  if (!Number.isInteger(memory) || memory < least || memory > most || memory % step !== 0) {
    const rule = `a guest has ${least / 2 ** 20} MiB to ${most / 2 ** 30} GiB, in steps of ${step / 2 ** 20} MiB`;
    throw new ManifestError("TV5106", `guest "${name}" has ${memory / 2 ** 20} MiB of memory, and ${rule}`, [
      place,
    ]);
  }
  const schedule = options.schedule ?? {};
  checkSchedule(name, vcpus, schedule, place);
  const pci = pciPlaces(name, place);
  const reboot = resolveRestart(options.onReboot ?? "restart", "onReboot", place);
  const crash = resolveRestart(options.onCrash ?? "stop", "onCrash", place);
  const firmware = isFirmware(options.kernel) ? options.kernel.kind : null;
  return Object.freeze({
    kind: "guest",
    name,
    memoryBytes: memory,
    vcpus,
    kernel: options.kernel,
    devices: Object.freeze(
      withoutAbsentControllers(
        options.devices.flatMap((d) => (typeof d === "function" ? d({ name, vcpus, pci, firmware }) : [d])),
      ),
    ),
    power: Object.freeze({
      onPowerOff: options.onPowerOff ?? "stop",
      onReboot: reboot.follows,
      onCrash: crash.follows,
      rebootPolicy: reboot.policy,
      crashPolicy: crash.policy,
      stopDeadlineNs: deadlineOf(options.stopDeadline, name, place),
    }),
    schedule,
    speculation: Object.freeze({
      ibpb: options.speculation?.ibpb ?? true,
      rsb: options.speculation?.rsb ?? true,
    }),
    place,
  });
}

const longestDeadlineNs = 3600e9;

function deadlineOf(given: number = seconds(30), name: string, place: Error): number {
  if (Number.isSafeInteger(given) && given >= 0 && given <= longestDeadlineNs) return given;
  throw new ManifestError(
    "TV5121",
    `stopDeadline of guest "${name}" is ${given / 1e6} ms, and must be from 0 to an hour`,
    [place],
  );
}
