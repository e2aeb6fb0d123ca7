/**
 * The DRAM controller of a Q35, function 00.0 (Intel 3 Series Express Chipset data sheet 316966 §5.1): the host bridge
 * that software recognises a q35 by, with the place of the configuration window in PCIEXBAR.
 */
import { bit, bits, constant, rw, u64 } from "../../dsl/device/vocabulary.ts";
import { DeclarationError } from "../../dsl/device/place.ts";
import { pciFunction, type PciFunction } from "./function.ts";

/** PCIEXBAR [2:1] by the number of buses (§5.1.12). */
const lengths: Readonly<Record<number, number | undefined>> = { 256: 0, 128: 1, 64: 2 };

/** The bridge of a machine whose configuration window lies at `ecamGpa`. Throws DeclarationError where PCIEXBAR cannot say so. */
export function q35Mch(ecamGpa: number, buses: number): PciFunction {
  const length = lengths[buses];
  if (length === undefined || ecamGpa % (buses * 2 ** 20) !== 0) {
    throw new DeclarationError(
      `a configuration window of ${buses} buses at 0x${ecamGpa.toString(16)}: there are 64, 128 or 256, aligned to their size`,
    );
  }
  return pciFunction({
    name: "mch",
    device: 0,
    function: 0,
    vendorId: 0x8086,
    deviceId: 0x29c0,
    classCode: 0x06_0000,
    // What firmware recognises a virtual q35 by (QEMU, docs/specs/pci-ids.rst).
    subsystemVendorId: 0x1af4,
    subsystemId: 0x1100,
    // Memory and bus mastering are always on (§5.1.3).
    command: 0x0006,
    registers: {
      pcieBase: rw(
        0x60,
        {
          enable: constant(bit(0, "The window is there."), true),
          length: constant(bits(2, 1, "0: 256 buses; 1: 128; 2: 64."), length),
          base: constant(bits(35, 26, "Bits [35:26] of its address."), ecamGpa / 2 ** 26),
        },
        { width: u64, section: "316966 §5.1.12", about: "PCIEXBAR: where the configuration window lies." },
      ),
      attributes: rw(0x90, {}, { about: "PAM0 to PAM3; kept, since what they shadow is memory anyway." }),
      attributesUpper: rw(0x94, {}, { about: "PAM4 to PAM6 and LAC; kept." }),
      managementMemory: rw(
        0x9c,
        { smram: bits(15, 8, "SMRAM."), extended: bits(23, 16, "ESMRAMC.") },
        { reset: 0x38_0200, about: "Kept; there is no system management memory." },
      ),
    },
  });
}
