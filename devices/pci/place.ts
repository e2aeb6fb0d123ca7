/** How a PCI function that is a device of its own gets its place in a guest. */
import { instantiate, type Targets } from "../../dsl/device/instance.ts";
import type { Device } from "../../dsl/device/vocabulary.ts";
import {
  controllers,
  fitted,
  type ChipsetPart,
  type DeviceDeclaration,
  type Gsi,
} from "../../dsl/manifest/device.ts";
import type { PciPlaces } from "../../dsl/manifest/pci.ts";
import type { VolumeDeclaration } from "../../dsl/manifest/volume.ts";

/** A function: what a template of the manifest says about it. */
export interface PciDevice {
  /** Unique in its guest. */
  readonly name: string;
  /** Bytes behind each base address that it has. */
  readonly barBytes: readonly number[];
  /** Makes the device, whose base addresses lie at these guest-physical ones at first. */
  readonly make: (...gpas: number[]) => unknown;
  /** The disk that it is. */
  readonly volume?: VolumeDeclaration;
  readonly connect?: Readonly<Record<string, Targets>>;
  /** What else it is a part of. */
  readonly parts?: readonly ChipsetPart[];
}

/** The pins of a bus go round by the slot, so that devices that all use INTA# share less (PCI 3.0 §2.2.6). */
function gsiOf(slot: number, pin: number): Gsi {
  return (16 + ((slot + pin) & 3)) as Gsi;
}

/** The interrupt pin that a function's configuration space tells: 0 to 3, or undefined where it has none. */
function pinOf(device: Device): 0 | 1 | 2 | 3 | undefined {
  const register = device.model.registers.find((r) => r.bank === "configuration" && r.offset === 0x3c);
  const pin = Number(register?.fields.find((f) => f.name === "pin")?.reads ?? 0);
  return pin === 0 ? undefined : ((pin - 1) as 0 | 1 | 2 | 3);
}

/** Gives a device the next place among its guest's functions and in the window behind their base addresses. */
export function pciDevice(
  pci: PciPlaces,
  { name, barBytes, make, volume, connect = {}, parts: further = [] }: PciDevice,
): DeviceDeclaration {
  const { configuration, bars } = pci.next(name, barBytes);
  const device = make(...bars) as Device<unknown, "configuration">;
  const slot = configuration >>> 15;
  const pin = pinOf(device);
  const gsi = pin === undefined ? undefined : gsiOf(slot, pin);
  const ranges = bars.map((start, i) => ({ gpa: start, sizeBytes: barBytes[i]! }));
  const parts: ChipsetPart[] = [{ part: "pci-function", bars: ranges }, ...further];
  if (pin !== undefined && gsi !== undefined) parts.push({ part: "pci-pin", slot, pin, gsi });
  const intx: PciDevice["connect"] =
    gsi === undefined ? {} : { intx: { instance: controllers.ioapic, pin: gsi } };
  const instance = instantiate(device, name, { at: { configuration }, connect: { ...intx, ...connect } });
  const lines = { intx: { trigger: "level", polarity: "low", shareable: true } } as const;
  return fitted(instance, { parts, lines, ...(volume && { volume }) });
}
