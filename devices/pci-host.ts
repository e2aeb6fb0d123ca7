/**
 * A PCI host bridge with its own functions of bus 0, reached by configuration mechanism 1 (PCI 3.0 §3.2.2.3.2) and by
 * ECAM (PCI Express 5.0 §7.2.2). Both pass accesses on to configuration space, where each function is a window: those
 * of the bridge, and those of other devices. Where there is no function, nothing answers, which reads as ones.
 *
 * The reset control register lies at port 0xcf9, within the address register: the chipset gives accesses of one byte to
 * it, and those of four to the address.
 */
import {
  bank,
  bit,
  bits,
  device,
  overlay,
  passage,
  rw,
  signal,
  u32,
  u8,
  type Device,
} from "../dsl/device/vocabulary.ts";
import type { AnyBank } from "../dsl/device/bank.ts";
import type { AnyFunction } from "../dsl/core/layout.ts";
import { DeclarationError } from "../dsl/device/place.ts";
import {
  cellName,
  configurationBytes,
  configurationSpace,
  type ConfigurationBehaviour,
  type PciFunction,
} from "./pci/function.ts";
import { resetControlFields, resetKind, resets } from "./reset-control.ts";

/** The part of the state that every host has. */
interface Host {
  readonly address: { value: u32 };
  readonly reset: { raise(value: u32): void };
}

/** Bytes of configuration space per bus (PCI Express 5.0 §7.2.2). */
const busBytes = 2 ** 20;
/** An address in configuration space that no bus has. */
const nowhere = 0xffff_ffff;

/** CONFIG_ADDRESS as an address in configuration space; the data port has four bytes of a register. */
function addressed(u: Host, offset: u32): u32 {
  const address = u.address.value;
  if ((address & 0x8000_0000) === 0) return nowhere;
  return u32((((address >>> 8) & 0xffff) << 12) | (address & 0xfc) | (offset & 3));
}

/** Handlers of all functions in one group, under the names of the cells. */
function gathered(functions: readonly PciFunction[], group: keyof ConfigurationBehaviour): object {
  return Object.fromEntries(
    functions.flatMap((f) =>
      Object.entries(f.behaviour?.[group] ?? {}).map(
        ([name, handler]) => [cellName(f, name), handler] as [string, AnyFunction],
      ),
    ),
  );
}

export interface PciHostOptions {
  /** The bridge's own, all on bus 0, among them the host bridge itself. */
  readonly functions: readonly PciFunction[];
  /** Buses that its configuration window holds. */
  readonly buses: number;
}

/** Makes a host bridge. Throws DeclarationError for functions that share a place, or a device without function 0. */
export function pciHost({ functions, buses }: PciHostOptions): Device<Host> {
  for (const f of functions) {
    const other = functions.find((g) => g !== f && g.devfn === f.devfn);
    if (other !== undefined) {
      throw new DeclarationError(`PCI functions ${f.name} and ${other.name} lie at one place`, f, other);
    }
    if (!functions.some((g) => g.device === f.device && g.function === 0)) {
      throw new DeclarationError(`PCI device ${f.device} has ${f.name} and no function 0`, f);
    }
  }
  const banks: Record<string, AnyBank> = {
    address: bank(
      u32,
      {
        address: rw(0, {
          register: bits(7, 2, "Double word of its configuration space."),
          function: bits(10, 8, "Function of the device."),
          device: bits(15, 11, "Device on the bus."),
          bus: bits(23, 16, "Bus."),
          enable: bit(31, "Without it the data port reaches nothing."),
        }),
      },
      { narrow: { bytes: "byteWide" } },
    ),
    byteWide: overlay({
      rstCnt: rw(1, resetControlFields, {
        section: "ICH9 §13.7.5",
        about: "RST_CNT: resets, and says what.",
      }),
    }),
    data: passage(addressed, { space: "port", size: 4 }),
    ecam: passage((_u: Host, offset: u32): u32 => offset, { space: "mmio", size: buses * busBytes }),
  };
  for (const f of functions) {
    const multiFunction = functions.some((g) => g.device === f.device && g.function !== 0);
    banks[f.name] = bank(u32, configurationSpace(f, multiFunction), {
      space: "configuration",
      size: configurationBytes,
    });
  }
  return device("pci-host", {
    title: "PCI host bridge",
    about:
      "With its own functions of bus 0, by configuration mechanism 1 and by ECAM. Where no function is, nothing answers, which reads as ones.",
    manuals: [
      "PCI Local Bus 3.0 §3.2.2.3.2 and §6",
      "PCI Express Base 5.0 §7.2.2",
      "Intel 3 Series Express Chipset data sheet 316966 §5.1",
      "Intel ICH9 data sheet 316972 §13.1",
    ],
    banks,
    state: { reset: signal() },
  }).implement({
    peek: gathered(functions, "peek"),
    read: gathered(functions, "read"),
    write: gathered(functions, "write"),
    written: {
      rstCnt(u: Host, value: u8, old: u8): void {
        if (resets(value, old)) u.reset.raise(resetKind(value));
      },
      ...gathered(functions, "written"),
    },
  } as never) as unknown as Device<Host>;
}

/** Where each function's window lies in configuration space, by its name: bus 0 comes first. */
export function functionPlaces(functions: readonly PciFunction[]): Readonly<Record<string, number>> {
  return Object.fromEntries(functions.map((f) => [f.name, f.devfn * configurationBytes]));
}
