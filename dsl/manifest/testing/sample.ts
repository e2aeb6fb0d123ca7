/** Declarations for tests: the least that makes a guest, and PC devices that nothing emulates. */
import {
  guestDevice,
  isaLine,
  mmioWindow,
  portWindow,
  type DeviceDeclaration,
  type DeviceOptions,
} from "../device.ts";

/** A device without emulation. */
export function sampleDevice(options: DeviceOptions): DeviceDeclaration {
  return guestDevice(options);
}

/** A serial port. */
export function sampleUart(name = "com1", base = 0x3f8, irq: 3 | 4 = 4): DeviceDeclaration {
  return sampleDevice({
    name,
    type: "uart16550",
    windows: [portWindow("registers", base, 8)],
    lines: [isaLine("interrupt", irq)],
    acpi: { name: name.toUpperCase(), hardwareId: "PNP0501", uniqueId: irq === 4 ? 0 : 1 },
  });
}

/** A local APIC, which every guest has. */
export function sampleLapic(): DeviceDeclaration {
  const gpa = 0xfee0_0000;
  return sampleDevice({
    name: "lapic",
    type: "lapic",
    windows: [mmioWindow("registers", gpa, 0x1000)],
    parts: [{ part: "lapic", gpa }],
  });
}

/** Local APIC, I/O APIC and 8259s. */
export function sampleInterruptControllers(): DeviceDeclaration[] {
  return [
    sampleLapic(),
    sampleDevice({
      name: "ioapic",
      type: "ioapic",
      windows: [mmioWindow("registers", 0xfec0_0000, 0x1000)],
      parts: [{ part: "ioapic", id: 0, gpa: 0xfec0_0000 }],
    }),
    sampleDevice({
      name: "pic",
      type: "i8259-pair",
      windows: [
        portWindow("primary", 0x20, 2),
        portWindow("secondary", 0xa0, 2),
        portWindow("elcr", 0x4d0, 2),
      ],
      acpi: { name: "PIC", hardwareId: "PNP0000" },
      parts: [{ part: "pics" }],
    }),
  ];
}

/** The devices of a PC of the q35 kind. */
export function samplePc(): DeviceDeclaration[] {
  return [
    ...sampleInterruptControllers(),
    sampleUart(),
    sampleDevice({
      name: "pit",
      type: "i8254",
      windows: [portWindow("counters", 0x40, 4)],
      lines: [isaLine("interrupt", 0, { gsi: 2 })],
      acpi: { name: "PIT", hardwareId: "PNP0100" },
    }),
    sampleDevice({
      name: "rtc",
      type: "mc146818",
      windows: [portWindow("registers", 0x70, 2)],
      lines: [isaLine("interrupt", 8)],
      acpi: { name: "RTC", hardwareId: "PNP0B00" },
      parts: [{ part: "rtc", centuryIndex: 0x32 }],
    }),
    sampleDevice({
      name: "power",
      type: "pm",
      windows: [portWindow("registers", 0x600, 0x80)],
      lines: [isaLine("sci", 9, { trigger: "level", polarity: "high", shareable: true })],
      parts: [{ part: "power", pmBase: 0x600, sci: 9, softOffType: 7, timerBits: 24 }],
    }),
    sampleDevice({
      name: "reset",
      type: "reset",
      windows: [portWindow("control", 0xcf9, 1)],
      parts: [{ part: "reset", port: 0xcf9 }],
    }),
    sampleDevice({
      name: "host-bridge",
      type: "q35-host",
      windows: [mmioWindow("ecam", 0xb000_0000, 0x1000_0000)],
      parts: [{ part: "host-bridge", ecamGpa: 0xb000_0000, buses: 256 }],
    }),
    sampleDevice({
      name: "hpet",
      type: "hpet",
      windows: [mmioWindow("registers", 0xfed0_0000, 0x400)],
      acpi: { name: "HPET", hardwareId: "PNP0103", uniqueId: 0 },
      parts: [{ part: "hpet", gpa: 0xfed0_0000, eventTimerBlockId: 0x8086_a201, minimumTick: 100 }],
    }),
  ];
}
