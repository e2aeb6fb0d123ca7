/**
 * A device as a guest has it: what it is called, which addresses and lines it uses, how ACPI names it, and which part
 * of the chipset it is. Templates in `devices/` make these; a manifest lists them.
 */
import type { AcpiIdentity, HpetFacts, PowerBlock } from "../acpi/input.ts";
import { hex, ManifestError, placeOf } from "./error.ts";
import type { LineModel, Polarity, Trigger, WindowModel } from "./model.ts";
import { checkName } from "./names.ts";

/** Inputs of the pair of 8259s. */
export type IsaIrq = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;
/** Pins of the I/O APIC. */
export type Gsi = IsaIrq | 16 | 17 | 18 | 19 | 20 | 21 | 22 | 23;

/** Pins of the one I/O APIC. */
export const gsiCount = 24;

/** What software must be told of a device, or find at an address that others agree on. */
export type ChipsetPart =
  | { readonly part: "lapic"; readonly gpa: number }
  | { readonly part: "ioapic"; readonly id: number; readonly gpa: number }
  | { readonly part: "pics" }
  | ({ readonly part: "power"; readonly pmBase: number; readonly sci: Gsi } & PowerBlock)
  | { readonly part: "reset"; readonly port: number }
  | { readonly part: "rtc"; readonly centuryIndex: number }
  | ({ readonly part: "hpet"; readonly gpa: number } & HpetFacts)
  | { readonly part: "host-bridge"; readonly ecamGpa: number; readonly buses: number }
  | { readonly part: "pci-pin"; readonly slot: number; readonly pin: 0 | 1 | 2 | 3; readonly gsi: Gsi };

export interface DeviceOptions<Instance> {
  /** Unique in its guest. */
  readonly name: string;
  /** The device type, such as `uart16550`. */
  readonly type: string;
  readonly windows?: readonly WindowModel[];
  readonly lines?: readonly LineModel[];
  /** How it appears in the guest's ACPI namespace; without it, its addresses are only kept free there. */
  readonly acpi?: AcpiIdentity;
  readonly parts?: readonly ChipsetPart[];
  /** What emulates it. */
  readonly instance: Instance;
}

/** A device of a guest, declared. */
export interface DeviceDeclaration<Instance = unknown> {
  readonly kind: "device";
  readonly name: string;
  readonly type: string;
  readonly windows: readonly WindowModel[];
  readonly lines: readonly LineModel[];
  readonly acpi: AcpiIdentity | undefined;
  readonly parts: readonly ChipsetPart[];
  readonly instance: Instance;
  readonly place: Error;
}

const spaceEnds = { port: 0x1_0000, mmio: 2 ** 52 } as const;

/** Declares a device of a guest. Throws ManifestError for windows and lines that cannot exist. */
export function guestDevice<Instance>(options: DeviceOptions<Instance>): DeviceDeclaration<Instance> {
  const place = placeOf(`device "${options.name}"`);
  checkName("a device", options.name, place);
  const windows = options.windows ?? [];
  for (const { name, space, base, size } of windows) {
    if (
      Number.isInteger(base) &&
      Number.isInteger(size) &&
      base >= 0 &&
      size > 0 &&
      base + size <= spaceEnds[space]
    )
      continue;
    const range = space === "port" ? "ports 0 to 0xffff" : "addresses 0 to 2^52";
    throw new ManifestError(
      "TV5111",
      `window "${name}" of device "${options.name}" (${size} at ${hex(base)}) lies outside ${range}`,
      [place],
    );
  }
  const lines = options.lines ?? [];
  for (const { name, irq, gsi } of lines) {
    const ok =
      Number.isInteger(gsi) &&
      gsi >= 0 &&
      gsi < gsiCount &&
      (irq === null || (Number.isInteger(irq) && irq >= 0 && irq < 16));
    if (ok) continue;
    const wired = irq === null ? `interrupt ${gsi}` : `IRQ ${irq} and interrupt ${gsi}`;
    throw new ManifestError(
      "TV5110",
      `line "${name}" of device "${options.name}" is wired to ${wired}, but there are IRQs 0 to 15 and interrupts 0 to ${gsiCount - 1}`,
      [place],
    );
  }
  return Object.freeze({
    kind: "device",
    name: options.name,
    type: options.type,
    windows: Object.freeze([...windows]),
    lines: Object.freeze([...lines]),
    acpi: options.acpi,
    parts: Object.freeze([...(options.parts ?? [])]),
    instance: options.instance,
    place,
  });
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
