/** Where the devices of a q35 lie in a guest: their windows, their interrupts, and their names in ACPI. */
import { q35 } from "../../devices/q35.ts";

/** A device at its place, as text. */
export interface Fitting {
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

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The devices of a q35 with one virtual CPU, as its guest sees them. */
export function q35Fittings(): readonly Fitting[] {
  return q35()({ name: "guest", vcpus: 1 }).map(({ name, type, windows, lines, acpi }) => ({
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
  }));
}
