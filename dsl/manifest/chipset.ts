/** The chipset that a guest's devices make up together, and what is missing or twice in it. */
import type { AcpiInput } from "../acpi/input.ts";
import type { ChipsetPart, DeviceDeclaration } from "./device.ts";
import { hex, ManifestError } from "./error.ts";
import type { GuestDeclaration } from "./guest.ts";
import { isFirmware } from "./kernel.ts";
import { pciWindowEnd } from "./memory.ts";
import type { ChipsetModel, LineModel } from "./model.ts";

/** Bytes of configuration space per bus (PCI Express 5.0 §7.2.2). */
const busBytes = 2 ** 20;

/** What ACPI tells of the chipset besides the model. */
export type ChipsetFacts = Pick<
  AcpiInput,
  "pciPins" | "power" | "hpet" | "resetPort" | "legacyPics" | "rtcCentury"
>;

type PartName = ChipsetPart["part"];
type Part<Name extends PartName> = Extract<ChipsetPart, { readonly part: Name }>;

/** What the messages call each part. */
const partNames: Readonly<Record<PartName, string>> = {
  lapic: "local APIC",
  ioapic: "I/O APIC",
  pics: "pair of 8259s",
  "firmware-configuration": "firmware configuration device",
  power: "power-management block",
  reset: "reset port",
  rtc: "real-time clock",
  hpet: "HPET",
  "host-bridge": "PCI host bridge",
  "pci-function": "PCI function",
  "pci-pin": "PCI slot's interrupt pin",
  "network-port": "port on a network",
  "shared-memory": "end of shared memory",
  "channel-end": "end of a channel",
};

/** Derives a guest's chipset from its devices. Throws TV5112 for what is missing, TV5113 for what is there twice. */
export function chipsetOf(guest: GuestDeclaration): {
  readonly model: ChipsetModel;
  readonly facts: ChipsetFacts;
} {
  const find = <Name extends PartName>(name: Name): Part<Name> | undefined => {
    const owners = guest.devices.filter(
      (d) => d.parts.some((p) => p.part === name) && (d.vcpu === undefined || d.vcpu === 0),
    );
    if (owners.length > 1) {
      const names = owners.map((d) => `"${d.name}"`).join(" and ");
      throw new ManifestError(
        "TV5113",
        `devices ${names} of guest "${guest.name}" are each its ${partNames[name]}, and it has one`,
        [owners[1]!.place, owners[0]!.place],
      );
    }
    return owners[0]?.parts.find((p): p is Part<Name> => p.part === name);
  };
  const lapic = find("lapic");
  const ioapic = find("ioapic");
  const pics = find("pics");
  const lacks = (what: string): never => {
    throw new ManifestError("TV5112", `guest "${guest.name}" ${what}`, [guest.place]);
  };
  if (lapic === undefined && guest.vcpus > 1) {
    lacks(`has ${guest.vcpus} virtual CPUs and no ${partNames.lapic}s`);
  }
  if (lapic === undefined && ioapic !== undefined) {
    lacks(`has an ${partNames.ioapic} and no ${partNames.lapic} that takes its messages`);
  }
  if (ioapic === undefined && pics === undefined && guest.devices.some((d) => d.lines.length > 0)) {
    lacks(`has devices with interrupt lines, and neither an ${partNames.ioapic} nor a ${partNames.pics}`);
  }
  if (isFirmware(guest.kernel) && find("firmware-configuration") === undefined)
    lacks(
      `starts with firmware and has no ${partNames["firmware-configuration"]} that tells it of the machine`,
    );
  const bridge = find("host-bridge");
  const power = find("power");
  const hpet = find("hpet");
  const ecam =
    bridge === undefined
      ? null
      : Object.freeze({ gpa: bridge.ecamGpa, buses: bridge.buses, sizeBytes: bridge.buses * busBytes });
  const window = pciWindow(guest, ecam);
  checkFunctions(guest, ecam, window);
  const model: ChipsetModel = Object.freeze({
    ecam,
    pciWindow: window,
    lapicGpa: lapic?.gpa ?? null,
    ioapic:
      ioapic === undefined ? null : Object.freeze({ id: ioapic.id, gpa: ioapic.gpa, gsiBase: 0, pins: 24 }),
    hpetGpa: hpet?.gpa ?? null,
    pmBase: power?.pmBase ?? null,
    sci: power === undefined ? null : Object.freeze({ gsi: power.sci }),
    overrides: overridesOf(guest.devices),
  });
  const pciPins = guest.devices.flatMap((d) =>
    d.parts.filter((p): p is Part<"pci-pin"> => p.part === "pci-pin"),
  );
  const facts: ChipsetFacts = {
    pciPins,
    power,
    hpet,
    resetPort: find("reset")?.port,
    legacyPics: pics !== undefined,
    rtcCentury: find("rtc")?.centuryIndex,
  };
  return { model, facts };
}

// The largest run of addresses between the configuration window and the I/O APIC that no device claims.
function pciWindow(guest: GuestDeclaration, ecam: ChipsetModel["ecam"]): ChipsetModel["pciWindow"] {
  const first = ecam === null ? 0xc000_0000 : ecam.gpa + ecam.sizeBytes;
  const taken = guest.devices
    .flatMap((d) => d.windows)
    .filter((w) => w.space === "mmio" && w.base + w.size > first && w.base < pciWindowEnd)
    .sort((a, b) => a.base - b.base);
  let best = { gpa: first, sizeBytes: 0 };
  let from = first;
  for (const { base, size } of [...taken, { base: pciWindowEnd, size: 0 }]) {
    if (base - from > best.sizeBytes) best = { gpa: from, sizeBytes: base - from };
    from = Math.max(from, Math.ceil((base + size) / 4096) * 4096);
  }
  if (best.sizeBytes < busBytes) {
    throw new ManifestError(
      "TV5114",
      `guest "${guest.name}" has no addresses left for PCI devices between ${hex(first)} and ${hex(pciWindowEnd)}`,
      [guest.place],
    );
  }
  return Object.freeze(best);
}

/** PCI functions have a bridge, which passes on what they have been given. */
function checkFunctions(
  guest: GuestDeclaration,
  ecam: ChipsetModel["ecam"],
  window: ChipsetModel["pciWindow"],
): void {
  for (const device of guest.devices) {
    for (const part of device.parts) {
      if (part.part !== "pci-function") continue;
      if (ecam === null) {
        const message = `device "${device.name}" of guest "${guest.name}" is a PCI function, and there is no ${partNames["host-bridge"]}`;
        throw new ManifestError("TV5112", message, [device.place, guest.place]);
      }
      for (const { gpa, sizeBytes } of part.bars) {
        if (gpa >= window.gpa && gpa + sizeBytes <= window.gpa + window.sizeBytes) continue;
        throw new ManifestError(
          "TV5114",
          `device "${device.name}" of guest "${guest.name}" would lie at ${hex(gpa)}, which its host bridge does not pass on: that are ${hex(window.gpa)} to ${hex(window.gpa + window.sizeBytes - 1)}`,
          [device.place, guest.place],
        );
      }
    }
  }
}

// ISA interrupts whose way differs from the bus's own: same number, edge, high (ACPI 6.5 §5.2.12.5).
function overridesOf(devices: readonly DeviceDeclaration[]): ChipsetModel["overrides"] {
  const byIrq = new Map<number, LineModel>();
  for (const line of devices.flatMap((d) => d.lines)) {
    const { irq, gsi, trigger, polarity } = line;
    if (irq !== null && (gsi !== irq || trigger !== "edge" || polarity !== "high")) byIrq.set(irq, line);
  }
  const sorted = [...byIrq].sort(([a], [b]) => a - b);
  return Object.freeze(
    sorted.map(([irq, { gsi, trigger, polarity }]) => Object.freeze({ irq, gsi, trigger, polarity })),
  );
}
