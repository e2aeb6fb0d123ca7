/** Where templates fit devices into a guest: their windows, their interrupts, and their names in ACPI. */
import { watchdog } from "../../devices/i6300esb.ts";
import { ivshmem } from "../../devices/ivshmem.ts";
import { virtioBlk, virtioNet, virtioRng } from "../../devices/virtio.ts";
import { placeOf } from "../../dsl/manifest/error.ts";
import { network } from "../../dsl/manifest/network.ts";
import { sharedMemory } from "../../dsl/manifest/shared-memory.ts";
import { mib } from "../../dsl/manifest/units.ts";
import { pciPlaces } from "../../dsl/manifest/pci.ts";
import { q35 } from "../../devices/q35.ts";
import { viridian } from "../../devices/viridian.ts";
import type { DeviceDeclaration } from "../../dsl/manifest/device.ts";

/** A device at its place, as text. */
export interface Fitting {
  /** What fits it: `q35`. */
  readonly template: string;
  /** What the guest's manifest calls it. */
  readonly name: string;
  /** The device's type. */
  readonly device: string;
  readonly windows: readonly {
    readonly name: string;
    readonly space: string;
    readonly from: string;
    readonly to: string;
  }[];
  readonly lines: readonly {
    readonly name: string;
    readonly irq: string;
    readonly gsi: string;
    readonly signalled: string;
  }[];
  /** Its hardware id and its name there; undefined where ACPI has no name for it. */
  readonly acpi: string | undefined;
}

const templates = {
  q35: q35(),
  viridian: viridian(),
  virtioRng: virtioRng(),
  virtioBlk: virtioBlk({ size: mib(4) }),
  virtioNet: virtioNet({ network: network({ name: "lan" }) }),
  ivshmem: ivshmem({ memory: sharedMemory({ name: "board", size: mib(1) }) }),
  watchdog: watchdog(),
} as const;

const hex = (value: number): string => `0x${value.toString(16)}`;

function fittingOf(template: string, { name, type, windows, lines, acpi }: DeviceDeclaration): Fitting {
  return {
    template,
    name,
    device: type,
    windows: windows.map((w) => ({
      name: w.name,
      space: w.space,
      from: hex(w.base),
      to: hex(w.base + w.size - 1),
    })),
    lines: lines.map((l) => ({
      name: l.name,
      irq: l.irq === null ? "none" : String(l.irq),
      gsi: String(l.gsi),
      signalled: `${l.trigger}, active ${l.polarity}${l.shareable ? ", shareable" : ""}`,
    })),
    acpi: acpi && `${acpi.hardwareId} (${acpi.name})`,
  };
}

/** The devices of each template, as a guest with one virtual CPU sees them. */
export function fittings(): readonly Fitting[] {
  const pci = pciPlaces("guest", placeOf("guest"));
  const guest = { name: "guest", vcpus: 1, pci, firmware: "uefi" as const };
  return Object.entries(templates).flatMap(([template, make]) =>
    make(guest).map((declaration) => fittingOf(template, declaration)),
  );
}
