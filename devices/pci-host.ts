/**
 * A PCI host bridge with the functions of bus 0, reached by configuration mechanism 1 (PCI 3.0 §3.2.2.3.2) and by ECAM
 * (PCI Express 5.0 §7.2.2). The configuration space of each function is a bank of its own, whose window lies where ECAM
 * has it; the data port reaches the same windows. Where there is no function, nothing answers, which reads as ones.
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
  rw,
  signal,
  u32,
  u8,
  type Device,
} from "../dsl/device/vocabulary.ts";
import type { AnyBank } from "../dsl/device/bank.ts";
import type { AnyFunction } from "../dsl/core/layout.ts";
import { DeclarationError } from "../dsl/device/place.ts";
import type { Register } from "../dsl/device/register.ts";
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

/** A function as the data port reaches it. */
interface Reached {
  /** CONFIG_ADDRESS [31:8] of its registers: enabled, bus 0. */
  readonly address: number;
  readonly read: (self: Host, offset: u32, width: u8) => u32;
  readonly write: (self: Host, offset: u32, width: u8, value: u32) => void;
  readonly peek: (self: Host, offset: u32) => u32;
  /** Bits by which a write of what was read would do something. */
  readonly acting: readonly { readonly offset: number; readonly others: number }[];
}

const actingKinds: readonly string[] = ["writeOneToClear", "writeOneToSet", "selfClearing"];

/** The double words of a register in which a written 1 acts, with the bits in which it does not. */
function actingIn(register: Register): Reached["acting"] {
  const mask = Object.values(register.fields)
    .filter((f) => actingKinds.includes(f.kind))
    .reduce((sum, f) => sum | ((1n << BigInt(f.msb + 1)) - (1n << BigInt(f.lsb))), 0n);
  const words = [u32(~mask), u32(~(mask >> 32n))].map((others, i) =>
    Object.freeze({ offset: register.offset + 4 * i, others }),
  );
  return words.filter((w) => w.others !== 0xffff_ffff);
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
  /** All on bus 0, among them the host bridge itself. */
  readonly functions: readonly PciFunction[];
}

/** Makes a host bridge. Throws DeclarationError for functions that share a place, or a device without function 0. */
export function pciHost({ functions }: PciHostOptions): Device<Host> {
  for (const f of functions) {
    const other = functions.find((g) => g !== f && g.devfn === f.devfn);
    if (other !== undefined) {
      throw new DeclarationError(`PCI functions ${f.name} and ${other.name} lie at one place`, f, other);
    }
    if (!functions.some((g) => g.device === f.device && g.function === 0)) {
      throw new DeclarationError(`PCI device ${f.device} has ${f.name} and no function 0`, f);
    }
  }
  // What the data port reaches: known when the windows are, before anything is compiled.
  const reached: Reached[] = [];
  const readData = (u: Host): u32 => {
    const address = u.address.value;
    for (const f of reached) {
      if (u32(address & 0xffff_ff00) === f.address) return f.read(u, address & 0xfc, 4);
    }
    return 0xffff_ffff;
  };
  const writeData = (u: Host, value: u32): void => {
    const address = u.address.value;
    for (const f of reached) {
      if (u32(address & 0xffff_ff00) === f.address) f.write(u, address & 0xfc, 4, value);
    }
  };
  /** What stands in for the rest of the register where one or two bytes are written. */
  const peekData = (u: Host): u32 => {
    const address = u.address.value;
    for (const f of reached) {
      if (u32(address & 0xffff_ff00) === f.address) {
        const value = f.peek(u, address & 0xfc);
        for (const a of f.acting) if ((address & 0xfc) === a.offset) return u32(value & a.others);
        return value;
      }
    }
    return 0xffff_ffff;
  };
  const spaces = functions.map((f) => {
    const multiFunction = functions.some((g) => g.device === f.device && g.function !== 0);
    return [f, configurationSpace(f, multiFunction)] as const;
  });
  const banks: Record<string, AnyBank> = {
    address: bank(
      u32,
      {
        address: rw(0, {
          register: bits(7, 2),
          function: bits(10, 8),
          device: bits(15, 11),
          bus: bits(23, 16),
          enable: bit(31),
        }),
      },
      { narrow: { bytes: "byteWide" } },
    ),
    byteWide: overlay({ rstCnt: rw(1, resetControlFields) }),
    data: bank(u32, { data: rw(0) }),
  };
  for (const [f, registers] of spaces) {
    banks[f.name] = bank(u32, registers, { space: "mmio", size: configurationBytes });
  }
  const host = device("pci-host", { banks, state: { reset: signal() } }).implement({
    peek: { data: peekData, ...gathered(functions, "peek") },
    read: { data: readData, ...gathered(functions, "read") },
    write: { data: writeData, ...gathered(functions, "write") },
    written: {
      rstCnt(u: Host, value: u8, old: u8): void {
        if (resets(value, old)) u.reset.raise(resetKind(value));
      },
      ...gathered(functions, "written"),
    },
  } as never) as unknown as Device<Host>;
  for (const [f, registers] of spaces) {
    const window = host.windows[f.name]!;
    reached.push(
      Object.freeze({
        address: 0x8000_0000 + f.devfn * 0x100,
        read: window.read,
        write: window.write,
        peek: window.peek as Reached["peek"],
        acting: Object.freeze(Object.values(registers).flatMap(actingIn)),
      }),
    );
  }
  Object.freeze(reached);
  return host;
}

/** Where each function's window lies in a configuration window, by its name: bus 0 comes first. */
export function ecamPlaces(
  functions: readonly PciFunction[],
  ecamGpa: number,
): Readonly<Record<string, number>> {
  return Object.fromEntries(functions.map((f) => [f.name, ecamGpa + f.devfn * configurationBytes]));
}
