/** From declarations to the model: every default filled in, every address chosen, every rule checked. */
import { AcpiOverflow, acpiTables } from "../acpi/tables.ts";
import { checkAcpiNames, checkLines, checkUnique, checkWindows, checkWires } from "./checks.ts";
import { resolveChannels } from "./channel.ts";
import { chipsetOf } from "./chipset.ts";
import { ManifestError } from "./error.ts";
import type { GuestDeclaration } from "./guest.ts";
import { resolveLoader } from "./loader.ts";
import { firmwareFacts } from "./firmware.ts";
import { isFirmware } from "./kernel.ts";
import { layFirmwareMemory, layMemory, lowMemory } from "./memory.ts";
import type {
  ConsoleModel,
  GuestModel,
  ImageModel,
  ImageTraceModel,
  PayloadModel,
  ScheduleModel,
  SchedulingModel,
} from "./model.ts";
import { resolveNetworks } from "./network.ts";
import { resolveOperator, type OperatorOptions } from "./operator.ts";
import type { PayloadDeclaration, Placement } from "./payload.ts";
import { resolveSchedules } from "./schedule.ts";
import { resolveSharedMemories } from "./shared-memory.ts";
import { resolveVolumes, type VolumeDeclaration } from "./volume.ts";

/** An image with its defaults filled in. */
export interface ImageDeclaration {
  readonly name: string;
  readonly guests: readonly GuestDeclaration[];
  readonly payloads: Placement;
  readonly console: { readonly port: number; readonly baud: number; readonly guest: string | null };
  readonly permitNoAcpi: boolean;
  readonly cpuCapacity: number;
  readonly scheduling: SchedulingModel;
  readonly recordsPerCpu: number;
  readonly timerSlackNs: number;
  readonly trace: ImageTraceModel | null;
  readonly saves: VolumeDeclaration | undefined;
  readonly operator: OperatorOptions | undefined;
  readonly machine: { readonly memoryBytes: number } | undefined;
  readonly place: Error;
}

/** A payload of the model, and its declaration. */
export interface ResolvedPayload {
  readonly model: PayloadModel;
  readonly declaration: PayloadDeclaration;
}

/** Payloads that the kernel has room for. */
export const maxPayloads = 16;

/** Memory that the hypervisor itself may take of a machine: its image, its tables, its pools. */
const hypervisorBytes = 8 * 2 ** 20;

/** Resolves a whole image. Throws ManifestError. */
export function resolve(image: ImageDeclaration): {
  readonly model: ImageModel;
  readonly payloads: readonly ResolvedPayload[];
  /** Those of the declaration, with every device complete. */
  readonly guests: readonly GuestDeclaration[];
} {
  if (image.guests.length === 0) {
    throw new ManifestError("TV5102", `image "${image.name}" has no guest, so there is nothing to run`, [
      image.place,
    ]);
  }
  checkUnique("TV5103", "guests", `image "${image.name}"`, image.guests);
  checkMachine(image);
  checkTrace(image);
  const payloads: ResolvedPayload[] = [];
  const schedules = resolveSchedules(image.guests, image.cpuCapacity, image.scheduling);
  const resolved = image.guests.map((guest, index) =>
    resolveGuest(image, guest, index, payloads, schedules[index]!),
  );
  const guests = resolved.map((r) => r.model);
  checkSaves(image);
  const devices = image.guests.flatMap((g) => g.devices);
  // The saves' volume is the last.
  const volumes = resolveVolumes(
    [...devices, { volume: image.saves }].flatMap(({ volume }) => volume ?? []),
    (file) => indexOfPayload(image, payloads, file, "disk"),
  );
  checkPayloads(image, payloads);
  const model: ImageModel = Object.freeze({
    name: image.name,
    guests: Object.freeze(guests),
    payloads: Object.freeze(payloads.map((p) => p.model)),
    volumes,
    console: resolveConsole(image),
    permitNoAcpi: image.permitNoAcpi,
    cpuCapacity: image.cpuCapacity,
    scheduling: image.scheduling,
    events: Object.freeze({ recordsPerCpu: image.recordsPerCpu }),
    trace: image.trace,
    saves: image.saves === undefined ? null : Object.freeze({ volume: volumes.length - 1 }),
    operator: resolveOperator(image),
    timerSlackNs: image.timerSlackNs,
    networks: resolveNetworks(image.guests),
    sharedMemories: resolveSharedMemories(image.guests, guests),
    channels: resolveChannels(image.guests),
  });
  return {
    model,
    payloads: Object.freeze(payloads),
    guests: Object.freeze(resolved.map((r) => r.declaration)),
  };
}

function resolveGuest(
  image: ImageDeclaration,
  guest: GuestDeclaration,
  index: number,
  payloads: ResolvedPayload[],
  schedule: ScheduleModel,
): { readonly model: GuestModel; readonly declaration: GuestDeclaration } {
  checkUnique("TV5104", "devices", `guest "${guest.name}"`, guest.devices);
  checkLines(guest);
  checkAcpiNames(guest);
  checkWires(guest);
  const { model: chipset, facts } = chipsetOf(guest);
  const { kernel } = guest;
  const firmware = isFirmware(kernel);
  const { slots, e820, lowRamEnd } = firmware
    ? layFirmwareMemory(guest.memoryBytes, kernel.kind)
    : layMemory(guest.memoryBytes, chipset.ecam === null ? [] : [chipset.ecam]);
  checkWindows(guest, slots);
  const vcpus = Array.from({ length: guest.vcpus }, (_, i) => Object.freeze({ index: i, apicId: i }));
  const devices = guest.devices.map(({ name, type, vcpu, windows, lines }) =>
    Object.freeze({ name, type, vcpu: vcpu ?? null, windows, lines }),
  );
  const acpiInput = {
    vcpus,
    chipset,
    devices: devices.map((device, i) => ({ ...device, acpi: guest.devices[i]!.acpi })),
    ...facts,
  };
  const acpi = firmware ? noTables : tablesOf(guest, acpiInput);
  const completed = guest.devices.map((device) =>
    device.completes === undefined
      ? device
      : Object.freeze({ ...device, instance: device.completes(firmwareFacts(acpiInput, e820)) }),
  );
  const model = Object.freeze({
    index,
    name: guest.name,
    memoryBytes: guest.memoryBytes,
    slots,
    e820,
    vcpus: Object.freeze(vcpus),
    loader: resolveLoader(guest.kernel, {
      payloadIndex: (declaration, role) => indexOfPayload(image, payloads, declaration, role),
      e820,
      rsdp: acpi.tables.find(({ gpa }) => gpa === acpi.rsdpGpa)!,
      lowRamEnd,
    }),
    chipset,
    devices: Object.freeze(devices),
    acpi,
    power: guest.power,
    schedule,
    speculation: guest.speculation,
  });
  return { model, declaration: Object.freeze({ ...guest, devices: Object.freeze(completed) }) };
}

/** Firmware gets them with their linker script. */
const noTables: GuestModel["acpi"] = Object.freeze({ rsdpGpa: 0, tables: Object.freeze([]) });

function tablesOf(guest: GuestDeclaration, input: Parameters<typeof acpiTables>[0]): GuestModel["acpi"] {
  const places = {
    tables: { gpa: lowMemory.acpiTables, sizeBytes: lowMemory.acpiNvs - lowMemory.acpiTables },
    nvs: { gpa: lowMemory.acpiNvs },
    rsdpGpa: lowMemory.rootPointer,
  };
  try {
    return acpiTables(input, places);
  } catch (error) {
    if (!(error instanceof AcpiOverflow)) throw error;
    throw new ManifestError(
      "TV5122",
      `the ACPI tables of guest "${guest.name}" need ${error.missingBytes} bytes more than there are below 1 MiB: it has too many devices`,
      [guest.place],
    );
  }
}

function indexOfPayload(
  image: ImageDeclaration,
  payloads: ResolvedPayload[],
  declaration: PayloadDeclaration,
  role: PayloadModel["role"],
): number {
  const placement = declaration.placement ?? image.payloads;
  const known = payloads.findIndex(
    ({ model }) => model.path === declaration.path && model.placement === placement && model.role === role,
  );
  if (known >= 0) return known;
  const model: PayloadModel = Object.freeze({
    name: declaration.name,
    path: declaration.path,
    placement,
    espPath: placement === "esp" ? `\\typevisor\\${image.name}\\${declaration.name}` : null,
    role,
  });
  payloads.push(Object.freeze({ model, declaration }));
  return payloads.length - 1;
}

function checkPayloads(image: ImageDeclaration, payloads: readonly ResolvedPayload[]): void {
  if (payloads.length > maxPayloads) {
    throw new ManifestError(
      "TV5118",
      `image "${image.name}" has ${payloads.length} payloads, and at most ${maxPayloads} can be brought along`,
      [payloads[maxPayloads]!.declaration.place, image.place],
    );
  }
  payloads.forEach(({ model, declaration }, i) => {
    // FAT does not tell cases apart.
    const place = model.espPath?.toLowerCase();
    const earlier = payloads
      .slice(0, i)
      .find(
        (p) => place !== undefined && p.model.espPath?.toLowerCase() === place && p.model.path !== model.path,
      );
    if (earlier === undefined) return;
    throw new ManifestError(
      "TV5117",
      `payloads "${model.path}" and "${earlier.model.path}" would both be ${model.espPath} on the EFI system partition`,
      [declaration.place, earlier.declaration.place],
    );
  });
}

function resolveConsole(image: ImageDeclaration): ConsoleModel {
  const { port, baud, guest } = image.console;
  const index = guest === null ? null : image.guests.findIndex((g) => g.name === guest);
  if (index === -1) {
    const names = image.guests.map((g) => `"${g.name}"`).join(", ");
    throw new ManifestError(
      "TV5120",
      `the console is given to guest "${guest}", and the guests are ${names}`,
      [image.place],
    );
  }
  return Object.freeze({ port, baud, guest: index });
}

function checkSaves({ saves, guests, place }: ImageDeclaration): void {
  if (saves === undefined) return;
  const fail = (why: string, ...places: readonly [Error, ...Error[]]): never => {
    throw new ManifestError("TV5121", `guests are saved to ${saves.what}, ${why}`, places);
  };
  if (saves.readOnly) fail("which is declared as read-only", saves.place, place);
  if (typeof saves.source !== "string") fail("which does not outlast the machine", saves.place, place);
  for (const { volume, name } of guests.flatMap((g) => g.devices))
    if (volume !== undefined && typeof volume.source !== "string" && !volume.readOnly)
      fail(
        `but what device "${name}" writes to ${volume.what} stays in memory and would be lost`,
        volume.place,
        saves.place,
      );
}

function checkTrace(image: ImageDeclaration): void {
  const names = image.guests.flatMap((g) => g.devices.flatMap((d) => [d.name, `${g.name}/${d.name}`]));
  for (const device of image.trace?.devices ?? [])
    if (!names.includes(device))
      throw new ManifestError(
        "TV5124",
        `"${device}" is to be traced, and no guest has a device of that name`,
        [image.place],
      );
}

function checkMachine(image: ImageDeclaration): void {
  if (image.machine === undefined) return;
  const guests = image.guests.reduce((sum, g) => sum + g.memoryBytes, 0);
  const missing = guests + hypervisorBytes - image.machine.memoryBytes;
  if (missing <= 0) return;
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  throw new ManifestError(
    "TV5115",
    `the guests have ${mebibytes(guests)} of memory and the hypervisor takes up to ${mebibytes(hypervisorBytes)}, but the machine has ${mebibytes(image.machine.memoryBytes)}`,
    [image.place, ...image.guests.map((g) => g.place)],
  );
}
