/** The devices of a PC as a guest has them: each placed where software expects it, wired, and named for ACPI. */
import { instantiate } from "../dsl/device/instance.ts";
import { fitted, isa, type DeviceDeclaration, type Gsi, type IsaIrq } from "../dsl/manifest/device.ts";
import { i8254 } from "./i8254.ts";
import { i8259 } from "./i8259.ts";
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

/** The 8254 with system control port B. On machines with an I/O APIC, IRQ 0 reaches its pin 2. */
export function intervalTimer(gsi: Gsi = 2): DeviceDeclaration {
  const instance = instantiate(i8254, "pit", {
    at: { counters: 0x40, portB: 0x61 },
    connect: { irq: isa(0, gsi) },
  });
  return fitted(instance, { acpi: { name: "PIT", hardwareId: "PNP0100" } });
}

/** The pair of 8259As with its edge/level control registers. */
export function interruptControllers(): DeviceDeclaration {
  const instance = instantiate(i8259, "pic", {
    at: { first: 0x20, second: 0xa0, elcr: 0x4d0 },
    connect: { intr: { board: "intr" } },
  });
  return fitted(instance, { acpi: { name: "PIC", hardwareId: "PNP0000" }, parts: [{ part: "pics" }] });
}
