/** How a PCI function that is a device of its own gets its place in a guest. */
import { instantiate, type Targets } from "../../dsl/device/instance.ts";
import type { Device } from "../../dsl/device/vocabulary.ts";
import { fitted, type DeviceDeclaration } from "../../dsl/manifest/device.ts";
import type { PciPlaces } from "../../dsl/manifest/pci.ts";

/** A function with one base address: what a template of the manifest says about it. */
export interface PciDevice {
  /** Unique in its guest. */
  readonly name: string;
  /** Bytes behind base address 0. */
  readonly barBytes: number;
  /** Makes the device, whose base address 0 lies at `gpa` at first. */
  readonly make: (gpa: number) => unknown;
  readonly connect?: Readonly<Record<string, Targets>>;
}

/** Gives a device the next place among its guest's functions and in the window behind their base addresses. */
export function pciDevice(
  pci: PciPlaces,
  { name, barBytes, make, connect = {} }: PciDevice,
): DeviceDeclaration {
  const { configuration, bars } = pci.next(name, [barBytes]);
  const gpa = bars[0]!;
  const device = make(gpa) as Device<unknown, "configuration">;
  const instance = instantiate(device, name, { at: { configuration }, connect });
  return fitted(instance, { parts: [{ part: "pci-function", bars: [{ gpa, sizeBytes: barBytes }] }] });
}
