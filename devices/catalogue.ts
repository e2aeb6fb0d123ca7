/**
 * Every device of the tree by its name: what is generated from the models (the register reference, the trace decoder,
 * the fuzzer) is generated for these. A family of devices stands here with the member that a q35 has.
 *
 * `fuzz.native.test.ts` runs all of them in Node and natively, from the corpus in `corpus/NAME/` and at random.
 */
import type { Device } from "../dsl/device/vocabulary.ts";
import { acpiPm } from "./acpi-pm.ts";
import { cfiFlash } from "./cfi-flash.ts";
import { debugcon } from "./debugcon.ts";
import { fwCfg } from "./fw-cfg.ts";
import { hpet } from "./hpet.ts";
import { ownHypercalls } from "./hypercalls.ts";
import { i6300esb } from "./i6300esb.ts";
import { i8042 } from "./i8042.ts";
import { i8254 } from "./i8254.ts";
import { i8259 } from "./i8259.ts";
import { ioapic } from "./ioapic.ts";
import { ivshmemDevice } from "./ivshmem.ts";
import { localApic } from "./local-apic.ts";
import { mc146818 } from "./mc146818.ts";
import { pciHost } from "./pci-host.ts";
import { ich9Lpc } from "./pci/ich9-lpc.ts";
import { q35Mch } from "./pci/q35-mch.ts";
import { resetControl } from "./reset-control.ts";
import { uart16550 } from "./uart16550.ts";
import { crashRegisters } from "./viridian/crash.ts";
import { frequencies } from "./viridian/frequencies.ts";
import { identity } from "./viridian/identity.ts";
import { idleRegister } from "./viridian/idle.ts";
import { interruptRegisters } from "./viridian/interrupts.ts";
import { vpIndex } from "./viridian/vp-index.ts";
import { referenceTime } from "./viridian/reference-time.ts";
import { resetRegister } from "./viridian/reset.ts";
import { virtioBlkDevice } from "./virtio/blk.ts";
import { virtioConsoleDevice } from "./virtio/console.ts";
import { virtioNetDevice } from "./virtio/net.ts";
import { virtioBlkVolume } from "./virtio/blk-volume.ts";
import { virtioRngDevice } from "./virtio/rng.ts";
import { virtioVsockDevice } from "./virtio/vsock.ts";

/** The functions of the host bridge that stands for its family. */
const hostFunctions = [q35Mch(0xb000_0000, 256), ich9Lpc(0x600)];

/** What a guest on the whole of Viridian is offered. */
const everything = {
  vcpus: 1,
  referenceCounter: true,
  interruptRegisters: true,
  reset: true,
  idle: true,
  frequencies: true,
  crash: true,
};

/** What the firmware of no guest is told. */
const sampleFacts = {
  vcpus: 2,
  files: [
    { name: "etc/e820", bytes: [0, 1, 2, 3, 4, 5, 6, 7] },
    { name: "etc/acpi/rsdp", bytes: [0x52, 0x53, 0x44] },
  ],
};

/** By name; what a device's state is, is of no concern to those who go through all of them. */
export const catalogue = Object.freeze({
  "acpi-pm": acpiPm,
  "cfi-flash": cfiFlash(0x8000),
  debugcon,
  "fw-cfg": fwCfg(sampleFacts),
  hpet,
  hypercalls: ownHypercalls,
  i6300esb: i6300esb(0xc000_0000),
  i8042,
  i8254,
  i8259,
  ioapic,
  ivshmem: ivshmemDevice(0xc000_0000, 0xc000_1000, 0xc010_0000, { sizeBytes: 0x10_0000, vectors: 3 }),
  "local-apic": localApic(0),
  mc146818,
  "pci-host": pciHost({ functions: hostFunctions, buses: 256 }),
  "reset-control": resetControl,
  uart16550,
  viridian: identity(everything),
  "viridian-crash": crashRegisters,
  "viridian-frequencies": frequencies,
  "viridian-idle": idleRegister,
  "viridian-interrupts": interruptRegisters,
  "viridian-reference-time": referenceTime,
  "viridian-reset": resetRegister,
  "viridian-vp-index": vpIndex(0),
  "virtio-blk": virtioBlkDevice(0xc000_0000, 16 * 512),
  "virtio-blk-volume": virtioBlkVolume(0xc000_0000, { name: "disk", readOnly: false }),
  "virtio-console": virtioConsoleDevice(0xc000_0000, {
    ports: [
      { name: "console", console: true },
      { name: "talk", console: false, pipe: true },
    ],
    size: { columns: 80, rows: 25 },
  }),
  "virtio-net": virtioNetDevice(0xc000_0000),
  "virtio-rng": virtioRngDevice(0xc000_0000),
  "virtio-vsock": virtioVsockDevice(0xc000_0000),
}) as unknown as Readonly<Record<string, Device>>;
