/** The devices of a PC as a guest has them: each placed where software expects it, wired, and named for ACPI. */
import { instantiate, type Instance, type Target } from "../dsl/device/instance.ts";
import {
  controllers,
  fitted,
  guestDevice,
  isa,
  portWindow,
  type DeviceDeclaration,
  type DeviceTemplate,
  type IsaIrq,
} from "../dsl/manifest/device.ts";
import { deviceHoleGpa } from "../dsl/manifest/memory.ts";
import { acpiPm, acpiPmFacts, acpiPmOffsets } from "./acpi-pm.ts";
import { debugcon } from "./debugcon.ts";
import { fwCfg } from "./fw-cfg.ts";
import { hpet, hpetFacts, hpetPins, hpetWindow } from "./hpet.ts";
import { i8042 } from "./i8042.ts";
import { i8254 } from "./i8254.ts";
import { i8259 } from "./i8259.ts";
import { ioapic } from "./ioapic.ts";
import { localApic } from "./local-apic.ts";
import { mc146818 } from "./mc146818.ts";
import { functionPlaces, pciHost } from "./pci-host.ts";
import type { PciFunction } from "./pci/function.ts";
import { ich9Lpc } from "./pci/ich9-lpc.ts";
import { q35Mch } from "./pci/q35-mch.ts";
import { resetControl } from "./reset-control.ts";
import { uart16550 } from "./uart16550.ts";

/** The serial ports of a PC: first I/O port and interrupt. */
const serialPorts = Object.freeze({
  com1: { ports: 0x3f8, irq: 4 },
  com2: { ports: 0x2f8, irq: 3 },
  com3: { ports: 0x3e8, irq: 5 },
  com4: { ports: 0x2e8, irq: 7 },
} as const);

export interface SerialPortOptions {
  /** Another interrupt than the port's usual one. */
  readonly irq?: IsaIrq;
  /** What its bytes are: the guest's console, or nothing. COM1 is the console if nothing is said. */
  readonly to?: "console" | "nowhere";
}

/** A serial port with a 16550A. */
export function serialPort(
  name: keyof typeof serialPorts,
  options: SerialPortOptions = {},
): DeviceDeclaration {
  const { ports, irq } = serialPorts[name];
  const to = { board: options.to ?? (name === "com1" ? "console" : "nowhere") };
  const instance = instantiate(uart16550, name, {
    at: { ports },
    connect: { irq: isa(options.irq ?? irq), output: to, ...(to.board === "console" && { input: to }) },
  });
  const uniqueId = Number(name.slice(3)) - 1;
  return fitted(instance, { acpi: { name: name.toUpperCase(), hardwareId: "PNP0501", uniqueId } });
}

const hpetName = "hpet";

/** Where the interrupts of the interval timer and of the real-time clock end: IRQ 0 reaches pin 2 of the I/O APIC. */
const timerInterrupt = isa(0, 2);
const clockInterrupt = isa(8);

/** What {@link highPrecisionTimer} stands between. */
export interface BehindHpetOptions {
  /** The guest has an HPET, whose legacy replacement takes the interrupt away. */
  readonly behindHpet?: boolean;
}

/** A wire to an input of the HPET, which passes it on as `interrupt`; or to the interrupt itself. */
function behindHpet(
  { behindHpet: behind = false }: BehindHpetOptions,
  pin: number,
  interrupt: readonly Target[],
): readonly Target[] {
  return behind ? [{ instance: hpetName, pin }] : interrupt;
}

/** The 8254 with system control port B. */
export function intervalTimer(options: BehindHpetOptions = {}): DeviceDeclaration {
  const instance = instantiate(i8254, "pit", {
    at: { counters: 0x40, portB: 0x61 },
    connect: { irq: behindHpet(options, 0, timerInterrupt) },
  });
  return fitted(instance, { acpi: { name: "PIT", hardwareId: "PNP0100" }, through: { irq: timerInterrupt } });
}

/** The pair of 8259As with its edge/level control registers. */
export function interruptControllers(): DeviceDeclaration {
  const instance = instantiate(i8259, controllers.pics, {
    at: { first: 0x20, second: 0xa0, elcr: 0x4d0 },
    connect: { intr: { board: "intr" } },
  });
  return fitted(instance, { acpi: { name: "PIC", hardwareId: "PNP0000" }, parts: [{ part: "pics" }] });
}

const localApicGpa = 0xfee0_0000;
const ioApicGpa = 0xfec0_0000;

/** A local APIC for each virtual CPU, with the CPU's index as its initial id. */
export function localApics(): DeviceTemplate {
  return ({ vcpus }) =>
    Array.from({ length: vcpus }, (_, vcpu) => {
      const end = (board: string): Target => ({ board, channel: vcpu });
      const instance = instantiate(localApic(vcpu), `lapic${vcpu}`, {
        at: { mmio: localApicGpa },
        connect: {
          interrupt: end("interrupt"),
          bus: end("bus"),
          eoiMessage: end("eoi"),
          nmi: end("nmi"),
          // Nobody starts or stops a processor that is alone.
          ...(vcpus > 1 && { init: end("init"), startup: end("startup") }),
        },
      });
      return fitted(instance, { vcpu, parts: [{ part: "lapic", gpa: localApicGpa }] });
    });
}

/** The I/O APIC; its id is none of a virtual CPU's, and fits the four bits of its register. */
export function ioApic(): DeviceDeclaration {
  const instance = instantiate(ioapic, controllers.ioapic, {
    at: { mmio: ioApicGpa },
    connect: { bus: { board: "bus" } },
  });
  return fitted(instance, { parts: [{ part: "ioapic", id: 0, gpa: ioApicGpa }] });
}

/** The keyboard controller without a keyboard, system control port A, and the resets of both. */
export function keyboardController(): DeviceDeclaration {
  const instance = instantiate(i8042, "i8042", {
    at: { data: 0x60, control: 0x64, systemA: 0x92 },
    connect: { irq1: isa(1), irq12: isa(12), reset: { board: "reset" } },
  });
  return fitted(instance);
}

/** The debug console at port 0xe9, whose bytes go to the guest's console. */
export function debugConsole(): DeviceDeclaration {
  const instance = instantiate(debugcon, "debugcon", {
    at: { port: 0xe9 },
    connect: { output: { board: "console" } },
  });
  return fitted(instance);
}

const firmwarePort = 0x510;

/** The firmware configuration device, for a guest that starts with firmware. */
export function firmwareConfiguration(): DeviceDeclaration {
  const name = "fw-cfg";
  return guestDevice({
    name,
    type: name,
    windows: [portWindow("ports", firmwarePort, 2)],
    parts: [{ part: "firmware-configuration" }],
    completes: (facts) =>
      instantiate(fwCfg(facts), name, { at: { ports: firmwarePort } }) as unknown as Instance,
  });
}

/** The real-time clock with its battery-backed memory. */
export function realTimeClock(options: BehindHpetOptions = {}): DeviceDeclaration {
  const instance = instantiate(mc146818, "rtc", {
    at: { ports: 0x70 },
    connect: { irq: behindHpet(options, 1, clockInterrupt) },
  });
  return fitted(instance, {
    acpi: { name: "RTC", hardwareId: "PNP0B00" },
    parts: [{ part: "rtc", centuryIndex: 0x32 }],
    through: { irq: clockInterrupt },
  });
}

const hpetGpa = 0xfed0_0000;

/**
 * The HPET. The interval timer and the real-time clock must stand behind it, so that its comparators can take their
 * place; a comparator's own interrupt is one of four pins of the I/O APIC, as the guest chooses.
 */
export function highPrecisionTimer(): DeviceDeclaration {
  const pins = Array.from({ length: hpetPins.count }, (_, i) => [
    `pins[${i}]`,
    { instance: controllers.ioapic, pin: hpetPins.first + i },
  ]);
  const instance = instantiate(hpet, hpetName, {
    at: { general: hpetGpa + hpetWindow.general, timers: hpetGpa + hpetWindow.timers },
    connect: { irq0: timerInterrupt, irq8: clockInterrupt, ...Object.fromEntries(pins) },
  });
  return fitted(instance, {
    acpi: { name: "HPET", hardwareId: "PNP0103", uniqueId: 0 },
    parts: [{ part: "hpet", gpa: hpetGpa, ...hpetFacts }],
    routed: ["irq0", "irq8", "pins"],
  });
}

/** The usual value of PMBASE on a q35. */
const pmBase = 0x600;
const pmBlockBytes = 0x80;
const sci = 9;

/** ACPI's fixed hardware: power-off, the power button, the PM timer, and the system control interrupt. */
export function powerManagement(): DeviceDeclaration {
  const instance = instantiate(acpiPm, "power", {
    at: {
      events: pmBase + acpiPmOffsets.events,
      control: pmBase + acpiPmOffsets.control,
      pmTimer: pmBase + acpiPmOffsets.pmTimer,
      gpe: pmBase + acpiPmOffsets.gpe,
    },
    connect: { sci: isa(sci), powerOff: { board: "power-off" } },
  });
  const declared = fitted(instance, {
    lines: { sci: { trigger: "level", polarity: "high", shareable: true } },
    parts: [{ part: "power", pmBase, sci, ...acpiPmFacts }],
  });
  // The chipset decodes the whole block, and software that knows it takes it to be one (ICH9 §13.1.13).
  return Object.freeze({ ...declared, windows: Object.freeze([portWindow("block", pmBase, pmBlockBytes)]) });
}

/** The reset control register, for a guest without a PCI host bridge. */
export function resetRegister(): DeviceDeclaration {
  const port = 0xcf9;
  const instance = instantiate(resetControl, "reset", {
    at: { port },
    connect: { reset: { board: "reset" } },
  });
  return fitted(instance, { parts: [{ part: "reset", port }] });
}

export interface HostBridgeOptions {
  /** Where the configuration window lies, and how many buses it has: what q35's PCIEXBAR can say. */
  readonly ecamGpa?: number;
  readonly buses?: 64 | 128 | 256;
  /** Functions of bus 0 besides the host bridge and the LPC bridge. */
  readonly functions?: readonly PciFunction[];
}

/** The host bridge of a q35 with the LPC bridge of its ICH9, and the reset control register. */
export function hostBridge(options: HostBridgeOptions = {}): DeviceDeclaration {
  const ecamGpa = options.ecamGpa ?? deviceHoleGpa;
  const buses = options.buses ?? 256;
  const functions = [q35Mch(ecamGpa, buses), ich9Lpc(pmBase), ...(options.functions ?? [])];
  const instance = instantiate(pciHost({ functions, buses }), "pci", {
    at: { address: 0xcf8, data: 0xcfc, ecam: ecamGpa, ...functionPlaces(functions) },
    connect: { reset: { board: "reset" } },
  });
  return fitted(instance, {
    parts: [
      { part: "host-bridge", ecamGpa, buses },
      { part: "reset", port: 0xcf9 },
    ],
  });
}
