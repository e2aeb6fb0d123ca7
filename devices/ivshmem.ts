/**
 * Memory that guests share, with doorbells between them: a PCI function as QEMU's ivshmem-doorbell is one (QEMU,
 * docs/specs/ivshmem-spec, revision 1). Base address 2 leads to the memory itself. QEMU's asks at a pin only where it has
 * no MSI-X; this one has both, as PCI 3.0 §6.8 recommends: the pin asks while MSI-X is off.
 */
import {
  bank,
  bit,
  bits,
  device,
  inputs,
  misuse,
  readToClear,
  ro,
  rw,
  sharedMemory,
  u32,
  wo,
  type StateOf,
} from "../dsl/device/vocabulary.ts";
import type { DeviceTemplate } from "../dsl/manifest/device.ts";
import type { SharedMemoryDeclaration } from "../dsl/manifest/shared-memory.ts";
import { endpoint } from "./pci/endpoint.ts";
import { pciDevice } from "./pci/place.ts";

/** Bytes behind base addresses 0 and 1. */
const registerBytes = 0x100;
const messageBytes = 0x1000;

/** Makes the device for `sizeBytes` of memory; base addresses 0 to 2 lie at these places at first. */
export function ivshmemDevice(
  registersGpa: number,
  messagesGpa: number,
  memoryGpa: number,
  { sizeBytes, vectors }: { readonly sizeBytes: number; readonly vectors: number },
) {
  const pci = endpoint({
    vendorId: 0x1af4,
    deviceId: 0x1110,
    classCode: 0x05_0000,
    revision: 1,
    subsystemVendorId: 0x1af4,
    subsystemId: 0x1100,
    pin: "A",
    bars: [
      { index: 0, bytes: registerBytes, gpa: registersGpa },
      { index: 1, bytes: messageBytes, gpa: messagesGpa },
      { index: 2, bytes: sizeBytes, width: 64, prefetchable: true, gpa: memoryGpa },
    ],
    vectors,
    msix: { bar: 1, table: 0, pending: 0x800 },
  });
  const memoryAddress = pci.addressOf(2);
  const shape = device("ivshmem", {
    title: "Inter-VM shared memory with doorbells",
    about:
      "Base address 2 leads to memory that other guests have too. A write to the doorbell sends a peer an MSI-X message, or sets its interrupt status where MSI-X is off.",
    manuals: ["QEMU, Device Specification for Inter-VM shared memory device, revision 1"],
    banks: {
      ...pci.banks,
      registers: bank(
        u32,
        {
          interruptMask: rw(0x0, { peer: bit(0, "INTA# is asserted while the interrupt status is set.") }),
          interruptStatus: rw(0x4, {
            peer: readToClear(bit(0, "A peer rang while MSI-X was off. A write sets or clears it.")),
          }),
          position: ro(0x8, { id: bits(15, 0, "The number of this guest's end among the peers.") }),
          doorbell: wo(0xc, {
            vector: bits(15, 0, "The MSI-X vector that the peer asks for."),
            peer: bits(31, 16, "The peer. One that is not there, or has not that vector, is not rung."),
          }),
        },
        pci.behind(0, 0, registerBytes),
      ),
    },
    state: { ...pci.state, memory: sharedMemory(), bells: inputs(vectors), knownPeer: misuse() },
  });
  type Ivshmem = StateOf<typeof shape>;
  return shape.implement({
    peek: { position: { id: (u) => u.memory.position } },
    write: {
      interruptStatus(u, value) {
        u.interruptStatus.peer = (value & 1) !== 0;
      },
      doorbell(u, value) {
        if (!u.memory.ring(value >>> 16, value & 0xffff)) u.knownPeer.note();
      },
    },
    input: {
      bells(u, pin, level) {
        if (!level) return;
        if (u.msix.enable) pci.raise(u, pin);
        else u.interruptStatus.peer = true;
      },
    },
    settle(u: Ivshmem) {
      u.memory.follow(u.command.memory, memoryAddress(u));
      pci.deliver(u);
      pci.interrupt(u, u.interruptStatus.peer && u.interruptMask.peer);
    },
  });
}

export interface IvshmemOptions {
  /** Unique in its guest. */
  readonly name?: string;
  readonly memory: SharedMemoryDeclaration;
  /** MSI-X vectors that peers may ring: 1 to 32; 1 by default. */
  readonly vectors?: number;
}

/** An end of shared memory in a guest. Peers are numbered in the order of the guests and of their devices. */
export function ivshmem({ name = "ivshmem", memory, vectors = 1 }: IvshmemOptions): DeviceTemplate {
  const { sizeBytes } = memory;
  return ({ pci }) => [
    pciDevice(pci, {
      name,
      barBytes: [registerBytes, messageBytes, sizeBytes],
      make: (registers = 0, messages = 0, start = 0) =>
        ivshmemDevice(registers, messages, start, { sizeBytes, vectors }),
      connect: { messages: { board: "bus" } },
      parts: [{ part: "shared-memory", memory }],
    }),
  ];
}
