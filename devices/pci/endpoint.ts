/**
 * A PCI function that is a device of its own: a template of the parts that every such device has. The device spreads
 * `banks` and `state` into its shape, lays its own banks behind a base address with `behind`, and calls `raise` and
 * `deliver` for its interrupts, which are MSI-X messages (PCI 3.0 §6.8.2). While MSI-X is off, `interrupt` says whether
 * INTA# asks. A function that sends no messages is a `plainEndpoint`, which has `banks`, `state`, `behind` and `interrupt`.
 */
import type { FixedArray } from "../../dsl/core/layout.ts";
import type { Aperture } from "../../dsl/device/aperture.ts";
import type { BankOptions, Movable } from "../../dsl/device/bank.ts";
import { DeclarationError } from "../../dsl/device/place.ts";
import type { RegisterRecord } from "../../dsl/device/register.ts";
import {
  bank,
  bit,
  bits,
  constant,
  line,
  messages,
  readOnly,
  repeat,
  ro,
  rw,
  u16,
  u32,
  u64,
} from "../../dsl/device/vocabulary.ts";
import { capabilityChain, type Capability } from "./capability.ts";
import { configurationBytes, headerKind, identityRegisters, type PciIdentity } from "./function.ts";

/** A base address register of memory (PCI 3.0 §6.2.5.1). */
export interface Bar {
  /** 0 to 5; one of 64 bits takes the next as well. */
  readonly index: 0 | 1 | 2 | 3 | 4 | 5;
  /** What lies behind it: a power of two, at least 16. */
  readonly bytes: number;
  /** Default 32. */
  readonly width?: 32 | 64;
  readonly prefetchable?: boolean;
  /** Where firmware would have put it. */
  readonly gpa: number;
}

/** Interrupt pins by their letters, as the Interrupt Pin register has them (PCI 3.0 §6.2.4). */
const pinNumbers = Object.freeze({ A: 1, B: 2, C: 3, D: 4 } as const);

export interface PlainEndpointOptions<Registers extends RegisterRecord> extends PciIdentity {
  /** The pin at which `interrupt` asks; INTA# where there is MSI-X and nothing else is said, otherwise none. */
  readonly pin?: keyof typeof pinNumbers | "none";
  readonly bars: readonly Bar[];
  /** Further capabilities; their offsets and links are computed. */
  readonly capabilities?: readonly Capability[];
  /** Registers of its own behind the header, at offsets of configuration space. */
  readonly registers?: Registers;
  /** A register of a capability through which the windows behind base addresses are reached. */
  readonly aperture?: Aperture;
}

export interface EndpointOptions<Registers extends RegisterRecord> extends PlainEndpointOptions<Registers> {
  /** MSI-X vectors, 1 to 32. */
  readonly vectors: number;
  /** Where the table and the pending bits of MSI-X lie: the table takes 16 bytes for each vector, the bits 8. */
  readonly msix: { readonly bar: Bar["index"]; readonly table: number; readonly pending: number };
}

/** The part of the state that a function with an interrupt pin works on. */
export interface PinState {
  readonly command: { readonly interruptOff: boolean; interruptStatus: boolean };
  readonly intx: { set(level: boolean): void };
}

/** The part of the state that the templates work on. */
export interface EndpointState extends PinState {
  readonly command: PinState["command"] & { readonly memory: boolean; readonly busMaster: boolean };
  readonly msix: { readonly enable: boolean; readonly functionMask: boolean };
  readonly vectorAddress: FixedArray<{ readonly value: u32 }>;
  readonly vectorAddressHigh: FixedArray<{ readonly value: u32 }>;
  readonly vectorData: FixedArray<{ readonly value: u32 }>;
  readonly vectorControl: FixedArray<{ readonly masked: boolean }>;
  readonly pendingVectors: { value: u32 };
  readonly messages: { send(destination: u32, command: u32): void };
}

/** Messages to local APICs go to addresses 0xfeexxxxx (Intel SDM vol. 3 §11.11.1). */
const messageArea = 0xfee;
/** Behind the header: where capabilities begin. */
const capabilitiesOffset = 0x40;
const msixBytes = 12;
const msixCapability = 0x11;

/**
 * The interrupt in terms of the state: a part of the device's `settle`. The status bit tells of it also while the pin is
 * switched off (PCI 3.0 §6.2.3).
 */
function interrupt(u: PinState, asks: boolean): void {
  u.command.interruptStatus = asks;
  u.intx.set(asks && !u.command.interruptOff);
}

/** Makes the parts of a function without MSI-X. Throws DeclarationError for base addresses that cannot be. */
export function plainEndpoint<const Registers extends RegisterRecord = Readonly<Record<never, never>>>(
  options: PlainEndpointOptions<Registers>,
) {
  const chain = capabilityChain(options.capabilities ?? [], capabilitiesOffset);
  const configuration = bank(
    u32,
    {
      ...header(options, chain.first),
      ...(chain.registers as Readonly<Record<never, never>>),
      ...(options.registers ?? ({} as Registers)),
    },
    spaceOf(options),
  );
  return { banks: { configuration }, state: { intx: line() }, behind: behindBars(options.bars), interrupt };
}

/** Makes the parts of a function. Throws DeclarationError for base addresses and vectors that cannot be. */
export function endpoint<const Registers extends RegisterRecord = Readonly<Record<never, never>>>(
  options: EndpointOptions<Registers>,
) {
  const { bars, vectors, msix } = options;
  if (!Number.isInteger(vectors) || vectors < 1 || vectors > 32)
    throw new DeclarationError(`a PCI function has 1 to 32 MSI-X vectors, not ${vectors}`);
  const behind = behindBars(bars);
  const further = capabilityChain(options.capabilities ?? [], capabilitiesOffset + msixBytes);
  const banks = {
    configuration: bank(
      u32,
      {
        ...header({ pin: "A", ...options }, capabilitiesOffset),
        msix: rw(capabilitiesOffset, {
          capability: constant(bits(7, 0), msixCapability),
          next: constant(bits(15, 8), further.first),
          tableSize: constant(bits(26, 16), vectors - 1),
          functionMask: bit(30),
          enable: bit(31),
        }),
        msixTable: ro(capabilitiesOffset + 4, {
          bar: constant(bits(2, 0), msix.bar),
          offset: constant(bits(31, 3), msix.table / 8),
        }),
        msixPending: ro(capabilitiesOffset + 8, {
          bar: constant(bits(2, 0), msix.bar),
          offset: constant(bits(31, 3), msix.pending / 8),
        }),
        ...(further.registers as Readonly<Record<never, never>>),
        ...(options.registers ?? ({} as Registers)),
      },
      spaceOf(options),
    ),
    vectors: bank(
      u32,
      {
        vectorAddress: repeat(vectors, 16, rw(0, { address: bits(31, 2) })),
        vectorAddressHigh: repeat(vectors, 16, rw(4)),
        vectorData: repeat(vectors, 16, rw(8)),
        vectorControl: repeat(vectors, 16, rw(12, { masked: bit(0) }, { reset: 1 })),
      },
      behind(msix.bar, msix.table, vectors * 16),
    ),
    pendingBits: bank(
      u32,
      { pendingVectors: ro(0, { bits: readOnly(bits(31, 0)) }) },
      behind(msix.bar, msix.pending, 8),
    ),
  };

  /** Asks for a vector's message, which `deliver` sends; nothing where there is none of that number, or MSI-X is off. */
  const raise = (u: EndpointState, vector: u16): void => {
    if (vector < vectors && u.msix.enable)
      u.pendingVectors.value = u32(u.pendingVectors.value | (1 << (vector & 31)));
  };
  /** Sends the messages that are asked for and not masked: a part of the device's `settle`. */
  const deliver = (u: EndpointState): void => {
    if (u.pendingVectors.value === 0 || !u.msix.enable || u.msix.functionMask || !u.command.busMaster) return;
    for (let i = 0; i < vectors; i += 1) {
      const own = u32(1 << i);
      if ((u.pendingVectors.value & own) !== 0 && !u.vectorControl[i].masked) {
        u.pendingVectors.value = u32(u.pendingVectors.value & ~own);
        const address = u.vectorAddress[i].value;
        const data = u.vectorData[i].value;
        // Destination [19:12], logical [2]; vector, delivery mode, level and trigger lie in the data as in ICR.
        if (address >>> 20 === messageArea && u.vectorAddressHigh[i].value === 0)
          u.messages.send((address >>> 12) & 0xff, u32((data & 0xc7ff) | ((address & 4) << 9)));
      }
    }
  };
  return {
    banks,
    state: { messages: messages(), intx: line() },
    behind,
    addressOf: addresses(bars),
    raise,
    deliver,
    // A function that may send messages leaves its pin alone (PCI 3.0 §6.8.3.3).
    interrupt: (u: EndpointState, asks: boolean): void => interrupt(u, asks && !u.msix.enable),
  };
}

/** The header's registers (PCI 3.0 §6.1); `first` is the offset of the first capability, or 0. */
function header(options: PlainEndpointOptions<RegisterRecord>, first: number) {
  const { pin } = options;
  return {
    ...identityRegisters(options),
    command: rw(0x04, {
      memory: bit(1),
      busMaster: bit(2),
      interruptOff: bit(10),
      interruptStatus: readOnly(bit(19)),
      capabilities: constant(bit(20), first !== 0),
    }),
    misc: headerKind(false),
    ...baseAddresses(options.bars),
    capabilities: ro(0x34, { first: constant(bits(7, 0), first) }),
    interrupt: rw(0x3c, {
      line: bits(7, 0),
      pin: constant(bits(15, 8), pin === undefined || pin === "none" ? 0 : pinNumbers[pin]),
    }),
  };
}

/** Where a base address is now, as a function of the state. */
function addresses(bars: readonly Bar[]) {
  return (index: Bar["index"]): ((u: object) => u64) => {
    const bar = bars.find((b) => b.index === index);
    if (bar === undefined) throw new DeclarationError(`there is no base address ${index}`);
    const name = barName(index);
    if (bar.width !== 64) {
      const mask = u32(-bar.bytes);
      const at = (u: Readonly<Record<string, { value: u32 }>>): u64 => BigInt(u32(u[name].value & mask));
      return at as (u: object) => u64;
    }
    const mask = u64(-BigInt(bar.bytes));
    const at = (u: Readonly<Record<string, { value: u64 }>>): u64 => u64(u[name].value & mask);
    return at as unknown as (u: object) => u64;
  };
}

/** Options of the bank of configuration space. */
function spaceOf({ aperture }: PlainEndpointOptions<RegisterRecord>): BankOptions {
  return { space: "configuration", size: configurationBytes, ...(aperture && { aperture }) };
}

/** Options of a bank of `size` bytes at `offset` behind a base address. */
function behindBars(bars: readonly Bar[]) {
  return (index: Bar["index"], offset: number, size: number): BankOptions => {
    const bar = bars.find((b) => b.index === index);
    if (bar === undefined || offset + size > bar.bytes)
      throw new DeclarationError(`${size} bytes at ${offset} do not lie behind base address ${index}`);
    const movable: Movable = { register: barName(index), field: "base", offset, enabled: "command.memory" };
    return { space: "mmio", size, movable };
  };
}

function barName(index: number): string {
  return `bar${index}`;
}

/** Registers whose low bits cannot be written: what is read after all ones were written tells the size. */
function baseAddresses(bars: readonly Bar[]): Readonly<Record<never, never>> {
  const registers = bars.map(({ index, bytes, width = 32, prefetchable = false, gpa }) => {
    const size = Math.log2(bytes);
    if (!Number.isInteger(size) || size < 4 || size > 30)
      throw new DeclarationError(`base address ${index}: ${bytes} bytes are no power of two from 16 to 2^30`);
    if (gpa % bytes !== 0)
      throw new DeclarationError(
        `base address ${index}: 0x${gpa.toString(16)} is no multiple of ${bytes} bytes`,
      );
    const kind = constant(bits(3, 0), (width === 64 ? 4 : 0) | (prefetchable ? 8 : 0));
    const offset = 0x10 + 4 * index;
    const register =
      width === 64
        ? rw(offset, { kind, base: bits(63, size) }, { width: u64, reset: gpa })
        : rw(offset, { kind, base: bits(31, size) }, { reset: gpa });
    return [barName(index), register] as const;
  });
  return Object.fromEntries(registers) as Readonly<Record<never, never>>;
}
