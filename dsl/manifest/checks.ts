/** The rules between declarations. Each throws a ManifestError that names both sides. */
import type { DeviceDeclaration } from "./device.ts";
import { hex, ManifestError, type ManifestCode } from "./error.ts";
import type { GuestDeclaration } from "./guest.ts";
import type { MemorySlotModel, WindowModel } from "./model.ts";

interface Named {
  readonly name: string;
  readonly place: Error;
}

/** No two of a list have one name. */
export function checkUnique(code: ManifestCode, kind: string, of: string, list: readonly Named[]): void {
  const seen = new Map<string, Named>();
  for (const item of list) {
    const earlier = seen.get(item.name);
    if (earlier !== undefined) {
      throw new ManifestError(code, `two ${kind} of ${of} have the name "${item.name}"`, [
        item.place,
        earlier.place,
      ]);
    }
    seen.set(item.name, item);
  }
}

/** What a message calls a window's addresses. */
function range({ space, base, size }: Pick<WindowModel, "space" | "base" | "size">): string {
  const last = base + size - 1;
  const addresses = size === 1 ? hex(base) : `${hex(base)} to ${hex(last)}`;
  const kind = { port: "port", mmio: "address", msr: "MSR", configuration: "configuration address" }[space];
  return size === 1 ? `${kind} ${addresses}` : `${kind}${kind.endsWith("s") ? "es" : "s"} ${addresses}`;
}

const overlap = (a: number, aSize: number, b: number, bSize: number): boolean =>
  a < b + bSize && b < a + aSize;

/** No two devices claim the same addresses, and none claims addresses of the guest's memory that is no flash. */
export function checkWindows(guest: GuestDeclaration, slots: readonly MemorySlotModel[]): void {
  const claimed: { readonly device: DeviceDeclaration; readonly window: WindowModel }[] = [];
  for (const device of guest.devices) {
    for (const window of device.windows) {
      for (const { device: other, window: otherWindow } of claimed) {
        if (otherWindow.space !== window.space || apart(device, other)) continue;
        if (!overlap(window.base, window.size, otherWindow.base, otherWindow.size)) continue;
        const both = `window "${window.name}" of device "${device.name}" (${range(window)}) overlaps window "${otherWindow.name}" of device "${other.name}" (${range(otherWindow)}) in guest "${guest.name}"`;
        throw new ManifestError("TV5107", both, [device.place, other.place]);
      }
      if (window.space === "mmio") checkAgainstMemory(guest, slots, device, window);
      claimed.push({ device, window });
    }
  }
}

/** Whether no virtual CPU sees both. */
function apart(a: DeviceDeclaration, b: DeviceDeclaration): boolean {
  return a.vcpu !== undefined && b.vcpu !== undefined && a.vcpu !== b.vcpu;
}

function checkAgainstMemory(
  guest: GuestDeclaration,
  slots: readonly MemorySlotModel[],
  device: DeviceDeclaration,
  window: WindowModel,
): void {
  const hit = slots.find(
    (slot) => slot.kind !== "flash" && overlap(window.base, window.size, slot.gpa, slot.sizeBytes),
  );
  if (hit === undefined) return;
  const memory = `${hex(hit.gpa)} to ${hex(hit.gpa + hit.sizeBytes - 1)}`;
  throw new ManifestError(
    "TV5108",
    `window "${window.name}" of device "${device.name}" (${range(window)}) lies in the memory of guest "${guest.name}" (${memory})`,
    [device.place, guest.place],
  );
}

/** Lines that meet at one interrupt are all shareable and signalled the same way. */
export function checkLines(guest: GuestDeclaration): void {
  const all = guest.devices.flatMap((device) => device.lines.map((line) => ({ device, line })));
  all.forEach(({ device, line }, i) => {
    for (const { device: other, line: otherLine } of all.slice(0, i)) {
      const sameIrq = line.irq !== null && line.irq === otherLine.irq;
      if (!sameIrq && line.gsi !== otherLine.gsi) continue;
      const alike = line.trigger === otherLine.trigger && line.polarity === otherLine.polarity;
      if (line.shareable && otherLine.shareable && alike) continue;
      const which = sameIrq ? `IRQ ${line.irq}` : `interrupt ${line.gsi}`;
      const why =
        line.shareable && otherLine.shareable ? "and are signalled differently" : "which they do not share";
      const both = `line "${line.name}" of device "${device.name}" and line "${otherLine.name}" of device "${other.name}" both use ${which} of guest "${guest.name}", ${why}`;
      throw new ManifestError("TV5109", both, [device.place, other.place]);
    }
  });
}

/** ACPI names are of the form that the specification allows, and no two devices have one (ACPI 6.5 §5.3). */
export function checkAcpiNames(guest: GuestDeclaration): void {
  // Names of the namespace around them.
  const seen = new Map<string, DeviceDeclaration | undefined>([
    ["MBRD", undefined],
    ["ISA", undefined],
  ]);
  for (const device of guest.devices) {
    if (device.acpi === undefined) continue;
    const { name, hardwareId } = device.acpi;
    if (!/^[A-Z_][A-Z0-9_]{0,3}$/.test(name)) {
      throw new ManifestError(
        "TV5122",
        `"${name}" of device "${device.name}" is no ACPI name: those have up to four capital letters, digits and underscores`,
        [device.place],
      );
    }
    if (!/^([A-Z]{3}[0-9A-F]{4}|[A-Z0-9]{4}[0-9A-F]{4})$/.test(hardwareId)) {
      throw new ManifestError(
        "TV5122",
        `"${hardwareId}" of device "${device.name}" is no hardware identifier such as PNP0501`,
        [device.place],
      );
    }
    const earlier = seen.get(name);
    if (seen.has(name)) {
      throw new ManifestError("TV5122", `the ACPI name "${name}" of device "${device.name}" is taken`, [
        device.place,
        ...(earlier ? [earlier.place] : []),
      ]);
    }
    seen.set(name, device);
  }
}

/** Wires that end at another device end at one that the guest has. */
export function checkWires(guest: GuestDeclaration): void {
  const names = new Set(guest.devices.map((d) => d.name));
  for (const device of guest.devices) {
    for (const { name, targets } of device.wires) {
      for (const target of targets) {
        if (!("instance" in target) || names.has(target.instance)) continue;
        throw new ManifestError(
          "TV5112",
          `wire "${name}" of device "${device.name}" ends at "${target.instance}", and guest "${guest.name}" has no device of that name`,
          [device.place, guest.place],
        );
      }
    }
  }
}
