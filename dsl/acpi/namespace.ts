/**
 * The DSDT: the PCI host bridge with what it passes on, the ISA bridge's devices, the processors and the sleep states.
 * Resources follow from the windows and lines of the model, so that they cannot disagree with what is emulated.
 */
import {
  argument,
  device,
  hardwareId,
  integer,
  method,
  named,
  pack,
  scope,
  store,
  text,
  type AmlObject,
} from "./aml.ts";
import type { AcpiDevice, AcpiInput, PciPin } from "./input.ts";
import type { LineModel, WindowModel } from "../manifest/model.ts";
import {
  busNumbers,
  fixedMemory32,
  fixedMemory64,
  globalInterrupts,
  ioPorts,
  isaInterrupt,
  memoryWindow,
  portWindow,
  resourceTemplate,
  type Resource,
} from "./resources.ts";
import { table } from "./table.ts";

/** Configuration mechanism 1 (PCI 3.0 §3.2.2.3.2): ports that the host bridge itself consumes. */
const configurationPorts = { base: 0xcf8, size: 8 } as const;

/** Differentiated System Description Table. */
export function dsdt(input: AcpiInput): number[] {
  const terms: AmlObject[] = [
    // The guest says which interrupt controllers it uses: 0 for the 8259s, 1 for APICs (ACPI 6.5 §5.8.1).
    named("PICF", integer(0)),
    method("_PIC", { argumentCount: 1 }, [store(argument(0), "PICF")]),
    scope("_SB", [
      ...input.vcpus.map(processor),
      ...(input.chipset.ecam === null ? [...isaDevices(input), motherboard(input)] : [hostBridge(input)]),
    ]),
  ];
  if (input.power !== undefined)
    terms.push(named("_S5", pack([0, 0, 0, 0].map((_, i) => integer(i < 2 ? input.power!.softOffType : 0)))));
  return table(
    "DSDT",
    2,
    terms.flatMap((term) => term.bytes),
  );
}

/** A processor device (§8.4); its `_UID` is the processor's in MADT. */
function processor({ index }: { readonly index: number }): AmlObject {
  const name = `C${index.toString(16).toUpperCase().padStart(3, "0")}`;
  return device(name, [named("_HID", text("ACPI0007")), named("_UID", integer(index))]);
}

// The pins of device 0, the bridge itself: no interrupt comes from it, but a routing table is never empty.
const bridgePins: readonly PciPin[] = [0, 1, 2, 3].map((pin) => ({ slot: 0, pin, gsi: 16 + pin }));

/** The host bridge of a PCI Express hierarchy, which also answers for conventional PCI (PCI Firmware 3.3 §4.1.3). */
function hostBridge(input: AcpiInput): AmlObject {
  const { chipset, pciPins } = input;
  const windows = [
    busNumbers(0, chipset.ecam!.buses),
    ioPorts(configurationPorts.base, configurationPorts.size),
    portWindow(0, configurationPorts.base),
    portWindow(0xd00, 0x1_0000 - 0xd00),
    memoryWindow(chipset.pciWindow.gpa, chipset.pciWindow.sizeBytes, "dword"),
  ];
  const routes = [...bridgePins, ...pciPins]
    .sort((a, b) => a.slot - b.slot || a.pin - b.pin)
    .map(({ slot, pin, gsi }) =>
      pack([integer(slot * 0x1_0000 + 0xffff), integer(pin), integer(0), integer(gsi)]),
    );
  return device("PCI0", [
    named("_HID", hardwareId("PNP0A08")),
    named("_CID", hardwareId("PNP0A03")),
    named("_UID", integer(0)),
    named("_BBN", integer(0)),
    named("_CRS", resourceTemplate(windows)),
    named("_PRT", pack(routes)),
    device("ISA", [named("_ADR", integer(0x001f_0000)), ...isaDevices(input)]),
    motherboard(input),
  ]);
}

function isaDevices(input: AcpiInput): AmlObject[] {
  return input.devices.filter((d) => d.acpi !== undefined).map(isaDevice);
}

function isaDevice(model: AcpiDevice): AmlObject {
  const { name, hardwareId: id, uniqueId } = model.acpi!;
  const resources = [...merged(model.windows).flatMap(windowResource), ...model.lines.map(lineResource)];
  const terms = [named("_HID", hardwareId(id))];
  if (uniqueId !== undefined) terms.push(named("_UID", integer(uniqueId)));
  // Present, enabled, shown and working (§6.3.7).
  terms.push(named("_STA", integer(0x0f)), named("_CRS", resourceTemplate(resources)));
  return device(name, terms);
}

type Range = Pick<WindowModel, "space" | "base" | "size">;

/** Windows that follow each other are one resource. */
function merged(windows: readonly WindowModel[]): readonly Range[] {
  const ranges: Range[] = [];
  const sorted = [...windows].sort((a, b) =>
    a.space < b.space ? -1 : a.space > b.space ? 1 : a.base - b.base,
  );
  for (const { space, base, size } of sorted) {
    const last = ranges.at(-1);
    if (last?.space === space && last.base + last.size === base) {
      ranges[ranges.length - 1] = { ...last, size: last.size + size };
    } else {
      ranges.push({ space, base, size });
    }
  }
  return ranges;
}

function windowResource({ space, base, size }: Range): Resource[] {
  if (space === "msr" || space === "configuration") return [];
  if (space === "mmio") {
    return [base + size <= 2 ** 32 ? fixedMemory32(base, size, true) : fixedMemory64(base, size)];
  }
  // The descriptor's length has 8 bits.
  const ports: Resource[] = [];
  for (let done = 0; done < size; done += 0x80) ports.push(ioPorts(base + done, Math.min(0x80, size - done)));
  return ports;
}

function lineResource({ irq, gsi, trigger, polarity, shareable }: LineModel): Resource {
  const signalling = { trigger, polarity, shared: shareable };
  if (irq === null) return globalInterrupts([gsi], signalling);
  return trigger === "edge" && polarity === "high" && !shareable
    ? isaInterrupt(irq)
    : isaInterrupt(irq, signalling);
}

/**
 * A motherboard resource (PNP0C02) for everything that no named device claims, so that nothing else is put there and
 * the configuration window counts as reserved (PCI Firmware 3.3 §4.1.2).
 */
function motherboard(input: AcpiInput): AmlObject {
  const { chipset } = input;
  // MADT names the APICs, and the bridge its configuration ports.
  const elsewhere = (w: WindowModel): boolean =>
    w.space === "mmio"
      ? w.base === chipset.lapicGpa || w.base === chipset.ioapic?.gpa
      : w.base >= configurationPorts.base && w.base < configurationPorts.base + configurationPorts.size;
  const kept = input.devices.filter((d) => d.acpi === undefined).flatMap((d) => d.windows);
  const consumed = kept.filter((window) => !elsewhere(window));
  const resources = merged(consumed).flatMap(windowResource);
  const covered = (gpa: number): boolean => kept.some((w) => w.space === "mmio" && w.base === gpa);
  if (chipset.ecam !== null && !covered(chipset.ecam.gpa)) {
    resources.push(fixedMemory32(chipset.ecam.gpa, chipset.ecam.sizeBytes, true));
  }
  return device("MBRD", [
    named("_HID", hardwareId("PNP0C02")),
    named("_UID", integer(0)),
    named("_CRS", resourceTemplate(resources)),
  ]);
}
