/**
 * The LPC interface bridge of an ICH9, function 1f.0 (Intel ICH9 data sheet 316972 §13.1): software recognises the
 * chipset by it, finds the ACPI block by PMBASE, and writes the routes of the PIRQ pins, which nothing is wired to.
 */
import { bit, bits, constant, rw } from "../../dsl/device/vocabulary.ts";
import { pciFunction, type PciFunction } from "./function.ts";

/** PIRQ routes after a reset: bit 7, not routed to an 8259 (§13.1.17). */
const unrouted = 0x8080_8080;
const routeNotes = {
  section: "ICH9 §13.1.17",
  about: "Routes of four PIRQ pins; kept, nothing is wired to them.",
} as const;
/** Four routes of one byte each. */
const fourRoutes = () => ({
  first: bits(7, 0),
  second: bits(15, 8),
  third: bits(23, 16),
  fourth: bits(31, 24),
});

/** The bridge of a machine whose ACPI block lies at `pmBase`. */
export function ich9Lpc(pmBase: number): PciFunction {
  return pciFunction({
    name: "lpc",
    device: 31,
    function: 0,
    vendorId: 0x8086,
    deviceId: 0x2918,
    classCode: 0x06_0100,
    revision: 2,
    // Decoding and bus mastering are always on (§13.1.3); medium DEVSEL timing.
    command: 0x0007,
    status: 0x0200,
    registers: {
      pmBase: rw(
        0x40,
        { io: constant(bit(0), true), base: constant(bits(15, 7, "Bits [15:7] of the port."), pmBase >>> 7) },
        { section: "ICH9 §13.1.13", about: "PMBASE: where the ACPI block lies." },
      ),
      acpiControl: rw(
        0x44,
        {
          sciSelect: constant(bits(2, 0, "0: IRQ 9."), 0),
          enable: constant(bit(7, "The ACPI block is decoded."), true),
        },
        { section: "ICH9 §13.1.14", about: "ACPI_CNTL." },
      ),
      gpioBase: rw(0x48, { io: constant(bit(0), true) }, { about: "GPIOBASE: there are no pins." }),
      pirqAToD: rw(0x60, fourRoutes(), { reset: unrouted, ...routeNotes }),
      serialIrq: rw(0x64, { control: bits(7, 0) }, { reset: 0x10, about: "SIRQ_CNTL; kept." }),
      pirqEToH: rw(0x68, fourRoutes(), { reset: unrouted, ...routeNotes }),
      decode: rw(
        0x80,
        { ranges: bits(15, 0), enables: bits(31, 16) },
        { about: "LPC_I/O_DEC and LPC_EN; kept, every device answers where it is declared." },
      ),
      powerManagement: rw(
        0xa0,
        { general1: bits(15, 0), general2: bits(23, 16) },
        { about: "GEN_PMCON_1 and 2; kept." },
      ),
      powerManagement3: rw(0xa4, { general3: bits(7, 0) }, { about: "GEN_PMCON_3; kept." }),
      biosControl: rw(0xdc, { control: bits(7, 0) }, { about: "BIOS_CNTL; kept." }),
      rootComplexBase: rw(
        0xf0,
        { enable: bit(0), base: bits(31, 14) },
        { about: "RCBA; kept, nothing lies there." },
      ),
    },
  });
}
