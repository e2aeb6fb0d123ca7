/**
 * A device as a guest has it: what it is called, which addresses and lines it uses, how ACPI names it, and which part
 * of the chipset it is. Templates in `devices/` make these; a manifest lists them.
 */
import type { AcpiIdentity, HpetFacts, PowerBlock } from "../acpi/input.ts";
import type { Instance, Target } from "../device/instance.ts";
import { hex, ManifestError, placeOf } from "./error.ts";
import type { ChannelEndPart } from "./channel.ts";
import type { FirmwareFacts } from "./firmware.ts";
import type { FirmwareKind } from "./kernel.ts";
import type { LineModel, Polarity, Trigger, WindowModel } from "./model.ts";
import { checkName } from "./names.ts";
import type { NetworkPort } from "./network.ts";
import type { PciPlaces } from "./pci.ts";
import type { SharedMemoryDeclaration } from "./shared-memory.ts";
import type { VolumeDeclaration } from "./volume.ts";

/** Inputs of the pair of 8259s. */
export type IsaIrq = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;
/** Pins of the I/O APIC. */
export type Gsi = IsaIrq | 16 | 17 | 18 | 19 | 20 | 21 | 22 | 23;

/** Pins of the one I/O APIC. */
export const gsiCount = 24;
/** Inputs of the pair of 8259s. */
const irqCount = 16;

/** What software must be told of a device, or find at an address that others agree on. */
export type ChipsetPart =
  | { readonly part: "lapic"; readonly gpa: number }
  | { readonly part: "ioapic"; readonly id: number; readonly gpa: number }
  | { readonly part: "pics" }
  | { readonly part: "firmware-configuration" }
  | ({ readonly part: "power"; readonly pmBase: number; readonly sci: Gsi } & PowerBlock)
  | { readonly part: "reset"; readonly port: number }
  | { readonly part: "rtc"; readonly centuryIndex: number }
  | ({ readonly part: "hpet"; readonly gpa: number } & HpetFacts)
  | { readonly part: "host-bridge"; readonly ecamGpa: number; readonly buses: number }
  | {
      readonly part: "pci-function";
      readonly bars: readonly { readonly gpa: number; readonly sizeBytes: number }[];
    }
  | { readonly part: "pci-pin"; readonly slot: number; readonly pin: 0 | 1 | 2 | 3; readonly gsi: Gsi }
  | NetworkPort
  | { readonly part: "shared-memory"; readonly memory: SharedMemoryDeclaration }
  | ChannelEndPart;

/** A wire of a device, as far as the manifest looks at it. */
export interface WireModel {
  readonly name: string;
  readonly targets: readonly Target[];
}

export interface DeviceOptions {
  /** Unique in its guest. */
  readonly name: string;
  /** The device type, such as `uart16550`. */
  readonly type: string;
  readonly windows?: readonly WindowModel[];
  readonly lines?: readonly LineModel[];
  readonly wires?: readonly WireModel[];
  /** How it appears in the guest's ACPI namespace; without it, its addresses are only kept free there. */
  readonly acpi?: AcpiIdentity;
  readonly parts?: readonly ChipsetPart[];
  /** The virtual CPU that it is a part of: only that one sees its windows. */
  readonly vcpu?: number;
  /** What emulates it. */
  readonly instance?: Instance;
  /** The disk that it is. */
  readonly volume?: VolumeDeclaration;
  /** Makes what emulates it once everything else of the guest is known. */
  readonly completes?: (facts: FirmwareFacts) => Instance;
}

/** A device of a guest, declared. */
export interface DeviceDeclaration {
  readonly kind: "device";
  readonly name: string;
  readonly type: string;
  readonly windows: readonly WindowModel[];
  readonly lines: readonly LineModel[];
  readonly wires: readonly WireModel[];
  readonly acpi: AcpiIdentity | undefined;
  readonly parts: readonly ChipsetPart[];
  readonly vcpu: number | undefined;
  readonly instance: Instance | undefined;
  readonly volume: VolumeDeclaration | undefined;
  readonly completes: ((facts: FirmwareFacts) => Instance) | undefined;
  readonly place: Error;
}

/** Makes the devices of a guest that depend on it, such as one local APIC for each virtual CPU. */
export type DeviceTemplate = (guest: {
  readonly name: string;
  readonly vcpus: number;
  /** Gives the guest's PCI functions their places. */
  readonly pci: PciPlaces;
  /** The firmware that it starts with, which needs more of a machine than a kernel; null: none. */
  readonly firmware: FirmwareKind | null;
}) => readonly DeviceDeclaration[];

const spaceEnds = { port: 0x1_0000, mmio: 2 ** 52, msr: 2 ** 32, configuration: 2 ** 28 } as const;
const spaceNames = {
  port: "ports 0 to 0xffff",
  mmio: "addresses 0 to 2^52",
  msr: "MSRs 0 to 0xffffffff",
  configuration: "configuration addresses 0 to 0xfffffff",
} as const;

/** Declares a device of a guest. Throws ManifestError for windows and lines that cannot exist. */
export function guestDevice(options: DeviceOptions): DeviceDeclaration {
  const place = placeOf(`device "${options.name}"`);
  checkName("a device", options.name, place);
  const windows = options.windows ?? [];
  for (const { name, space, base, size } of windows) {
    const whole = Number.isInteger(base) && Number.isInteger(size);
    if (whole && base >= 0 && size > 0 && base + size <= spaceEnds[space]) continue;
    throw new ManifestError(
      "TV5111",
      `window "${name}" of device "${options.name}" (${size} at ${hex(base)}) lies outside ${spaceNames[space]}`,
      [place],
    );
  }
  const lines = options.lines ?? [];
  for (const { name, irq, gsi } of lines) {
    if (isBelow(gsi, gsiCount) && (irq === null || isBelow(irq, irqCount))) continue;
    const wired = irq === null ? `interrupt ${gsi}` : `IRQ ${irq} and interrupt ${gsi}`;
    throw new ManifestError(
      "TV5110",
      `line "${name}" of device "${options.name}" is wired to ${wired}, but there are IRQs 0 to ${irqCount - 1} and interrupts 0 to ${gsiCount - 1}`,
      [place],
    );
  }
  return Object.freeze({
    kind: "device",
    name: options.name,
    type: options.type,
    windows: Object.freeze(windows.map((w) => Object.freeze({ ...w }))),
    lines: Object.freeze(lines.map((l) => Object.freeze({ ...l }))),
    wires: Object.freeze([...(options.wires ?? [])]),
    acpi: options.acpi,
    parts: Object.freeze([...(options.parts ?? [])]),
    vcpu: options.vcpu,
    instance: options.instance,
    volume: options.volume,
    completes: options.completes,
    place,
  });
}

function isBelow(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < limit;
}

/** What the instances that interrupt lines end at are called in every guest. */
export const controllers = Object.freeze({ pics: "pic", ioapic: "ioapic" } as const);

/** What {@link fitted} adds to an instance. */
export interface FittingOptions extends Pick<DeviceOptions, "acpi" | "parts" | "vcpu" | "volume"> {
  /** How its lines are signalled, by wire; edge, high and exclusive where nothing is said. */
  readonly lines?: Readonly<Record<string, LineOptions>>;
  /** By wire: the interrupt that it is where it ends at a device that passes it on. */
  readonly through?: Readonly<Record<string, readonly Target[]>>;
  /** Wires to interrupt controllers of which the guest's software chooses one: they are nobody's own. */
  readonly routed?: readonly string[];
}

/** Declares an instance as a device of a guest: windows and lines follow from its place and its wiring. */
export function fitted<U, C>(instance: Instance<U, C>, options: FittingOptions = {}): DeviceDeclaration {
  const names = Object.keys(instance.device.windows);
  const windows = instance.windows.flatMap((window, i): WindowModel[] => {
    if (window.movable !== undefined) return [];
    return [{ name: names[i]!, space: window.space, base: Number(window.base), size: window.sizeBytes }];
  });
  const wires = instance.wires.map(({ name, targets }) => Object.freeze({ name, targets }));
  const lines = wires
    .filter(({ name }) => options.routed?.includes(name) !== true)
    .flatMap(({ name, targets }) => {
      const ends = options.through?.[name] ?? targets;
      const irq = pinAt(ends, controllers.pics);
      const gsi = pinAt(ends, controllers.ioapic) ?? irq;
      return gsi === null ? [] : [line(name, irq as IsaIrq | null, gsi as Gsi, options.lines?.[name] ?? {})];
    });
  return guestDevice({
    name: instance.name,
    type: instance.device.name,
    windows,
    lines,
    wires,
    ...(options.acpi && { acpi: options.acpi }),
    ...(options.parts && { parts: options.parts }),
    ...(options.vcpu !== undefined && { vcpu: options.vcpu }),
    ...(options.volume && { volume: options.volume }),
    instance: instance as unknown as Instance,
  });
}

function pinAt(targets: readonly Target[], controller: string): number | null {
  const found = targets.find((t) => "instance" in t && t.instance === controller);
  return found !== undefined && "instance" in found ? found.pin : null;
}

/**
 * The devices with wires to an interrupt controller that the guest has not cut off, where they reach another one: an
 * ISA interrupt ends at whichever of the 8259s and the I/O APIC are there.
 */
export function withoutAbsentControllers(
  devices: readonly DeviceDeclaration[],
): readonly DeviceDeclaration[] {
  const all: readonly string[] = Object.values(controllers);
  const present = all.filter((name) => devices.some((d) => d.name === name));
  if (present.length === all.length || present.length === 0) return devices;
  const isAbsent = (t: Target): boolean =>
    "instance" in t && all.includes(t.instance) && !present.includes(t.instance);
  const cut = <W extends { readonly targets: readonly Target[] }>(wires: readonly W[]): readonly W[] =>
    Object.freeze(
      wires.map((wire) => {
        const targets = wire.targets.filter((t) => !isAbsent(t));
        return targets.length === 0 ? wire : Object.freeze({ ...wire, targets: Object.freeze(targets) });
      }),
    );
  return devices.map((device) =>
    Object.freeze({
      ...device,
      wires: cut(device.wires),
      instance: device.instance && Object.freeze({ ...device.instance, wires: cut(device.instance.wires) }),
    }),
  );
}

/** Where a wire to an ISA interrupt ends: an input of the 8259s, and a pin of the I/O APIC, the same if not said otherwise. */
export function isa(irq: IsaIrq, gsi: Gsi = irq): readonly Target[] {
  return [
    { instance: controllers.pics, pin: irq },
    { instance: controllers.ioapic, pin: gsi },
  ];
}

/** A window of I/O ports. */
export function portWindow(name: string, base: number, size: number): WindowModel {
  return Object.freeze({ name, space: "port", base, size });
}

/** A window of guest-physical memory. */
export function mmioWindow(name: string, base: number, size: number): WindowModel {
  return Object.freeze({ name, space: "mmio", base, size });
}

export interface LineOptions {
  readonly trigger?: Trigger;
  readonly polarity?: Polarity;
  readonly shareable?: boolean;
}

/** A line to an input of the 8259s and, unless said otherwise, to the I/O APIC's pin of the same number. Edge-triggered, active high, exclusive. */
export function isaLine(
  name: string,
  irq: IsaIrq,
  options: LineOptions & { readonly gsi?: Gsi } = {},
): LineModel {
  return line(name, irq, options.gsi ?? irq, options);
}

/** A line to a pin of the I/O APIC alone. */
export function gsiLine(name: string, gsi: Gsi, options: LineOptions = {}): LineModel {
  return line(name, null, gsi, options);
}

function line(name: string, irq: IsaIrq | null, gsi: Gsi, options: LineOptions): LineModel {
  const { trigger = "edge", polarity = "high", shareable = false } = options;
  return Object.freeze({ name, irq, gsi, trigger, polarity, shareable });
}
