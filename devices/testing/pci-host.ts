import { bits, rw, writeOneToClear } from "../../dsl/device/vocabulary.ts";
import { deviceProgram } from "../../dsl/testing/device-program.ts";
import { pciFunction } from "../pci/function.ts";
import { ich9Lpc } from "../pci/ich9-lpc.ts";
import { q35Mch } from "../pci/q35-mch.ts";
import { functionPlaces, pciHost } from "../pci-host.ts";

export const ecamGpa = 0xb000_0000;

/** A function with a base address, a status that a 1 clears, and a handler. */
export const sample = pciFunction({
  name: "sample",
  device: 31,
  function: 5,
  vendorId: 0x1234,
  deviceId: 0x5678,
  classCode: 0xff_0000,
  interruptPin: 1,
  registers: {
    bar0: rw(0x10, { base: bits(31, 12) }),
    events: rw(0x40, { enable: bits(15, 0), pending: writeOneToClear(bits(31, 16)) }, { reset: 0xffff_0000 }),
    doubled: rw(0x44),
  },
  behaviour: {
    peek: { doubled: (u: { sampleDoubled: { value: number } }) => (u.sampleDoubled.value & 0xff) * 2 },
  },
});

export const functions = Object.freeze([q35Mch(ecamGpa, 256), ich9Lpc(0x600), sample]);
export const host = pciHost({ functions, buses: 256 });
export const places = functionPlaces(functions);
export const program = deviceProgram(host, places);
