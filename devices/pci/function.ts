/** PCI functions as they are declared: where they lie on bus 0, what they are, and their configuration registers. */
import { bit, bits, constant, reserved, ro, rw } from "../../dsl/device/vocabulary.ts";
import type { AnyFunction } from "../../dsl/core/layout.ts";
import { DeclarationError, remember } from "../../dsl/device/place.ts";
import type { RegisterRecord } from "../../dsl/device/register.ts";

/** Bytes of configuration space that ECAM gives each function (PCI Express 5.0 §7.2.2). */
export const configurationBytes = 0x1000;

/** Handlers of configuration registers, by the register's name, as `shape.implement` takes them. */
export interface ConfigurationBehaviour {
  readonly peek?: Readonly<Record<string, AnyFunction | Readonly<Record<string, AnyFunction>>>>;
  readonly read?: Readonly<Record<string, AnyFunction>>;
  readonly write?: Readonly<Record<string, AnyFunction>>;
  readonly written?: Readonly<Record<string, AnyFunction>>;
}

/** What software recognises a function by. */
export interface PciIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  /** Base class, subclass, programming interface: 24 bits. */
  readonly classCode: number;
  readonly revision?: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
}

export interface PciFunctionOptions extends PciIdentity {
  /** Unique in its host; its registers' cells are called `nameRegister`. */
  readonly name: string;
  /** 0 to 31. */
  readonly device: number;
  /** 0 to 7. */
  readonly function: number;
  /** The command register where it is fixed; otherwise decoding, bus mastering and INTx can be switched. */
  readonly command?: number;
  /** The status register (PCI 3.0 §6.2.3). */
  readonly status?: number;
  /** The interrupt pin: 1 to 4 for INTA to INTD, 0 for none. */
  readonly interruptPin?: number;
  /** Offset of the first capability; 0 for none. */
  readonly capabilities?: number;
  /** Base address registers, and whatever else lies between 0x10 and 0x40 or behind the header. */
  readonly registers?: RegisterRecord;
  readonly behaviour?: ConfigurationBehaviour;
}

/** A function of bus 0, declared. */
export interface PciFunction extends PciFunctionOptions {
  /** Device number and function number as they stand in addresses: bits [7:0] of the requester id. */
  readonly devfn: number;
}

/** Declares a function. Throws DeclarationError for numbers that no bus has. */
export function pciFunction(options: PciFunctionOptions): PciFunction {
  const { name, device, function: number } = options;
  if (!Number.isInteger(device) || device < 0 || device > 31) {
    throw new DeclarationError(`${name}: a PCI device's number is 0 to 31, not ${device}`);
  }
  if (!Number.isInteger(number) || number < 0 || number > 7) {
    throw new DeclarationError(`${name}: a PCI function's number is 0 to 7, not ${number}`);
  }
  return remember(Object.freeze({ ...options, devfn: device * 8 + number }));
}

/** What a register of a function is called among those of the whole host. */
export function cellName(of: PciFunction, register: string): string {
  return `${of.name}${register.charAt(0).toUpperCase()}${register.slice(1)}`;
}

/** The identity in a type 0 header (PCI 3.0 §6.2.1, §6.2.4). */
export function identityRegisters(of: PciIdentity) {
  return {
    id: ro(0x00, fixed16(of.vendorId, of.deviceId)),
    class: ro(0x08, {
      revision: constant(bits(7, 0), of.revision ?? 0),
      classCode: constant(bits(31, 8), of.classCode),
    }),
    subsystem: ro(0x2c, fixed16(of.subsystemVendorId ?? 0, of.subsystemId ?? 0)),
  };
}

/** Header type and cache line (PCI 3.0 §6.2.1). */
export function headerKind(multiFunction: boolean) {
  return rw(0x0c, {
    cacheLine: bits(7, 0),
    latency: reserved(15, 8),
    layout: constant(bits(22, 16), 0),
    multiFunction: constant(bit(23), multiFunction),
  });
}

const fixed16 = (low: number, high: number) => ({
  low: constant(bits(15, 0), low),
  high: constant(bits(31, 16), high),
});

/** The type 0 header (PCI 3.0 §6.1) and the registers of the function itself. */
export function configurationSpace(of: PciFunction, multiFunction: boolean): RegisterRecord {
  const status = constant(bits(31, 16), (of.status ?? 0) | (of.capabilities ? 0x10 : 0));
  const header: Record<string, RegisterRecord[string]> = {
    ...identityRegisters(of),
    command:
      of.command === undefined
        ? rw(0x04, { io: bit(0), memory: bit(1), busMaster: bit(2), interruptOff: bit(10), status })
        : ro(0x04, { command: constant(bits(15, 0), of.command), status }),
    misc: headerKind(multiFunction),
    capabilities: ro(0x34, { first: constant(bits(7, 0), of.capabilities ?? 0) }),
    interrupt: rw(0x3c, { line: bits(7, 0), pin: constant(bits(15, 8), of.interruptPin ?? 0) }),
  };
  for (const [name, register] of Object.entries(of.registers ?? {})) {
    if (register.offset % 4 !== 0 || register.offset >= configurationBytes) {
      throw new DeclarationError(
        `${of.name}: register ${name} lies at 0x${register.offset.toString(16)}: configuration registers are declared by the double word`,
        register,
      );
    }
    if (header[name] !== undefined) {
      throw new DeclarationError(`${of.name}: the header has a register ${name} already`, register);
    }
    header[name] = register;
  }
  return Object.fromEntries(Object.entries(header).map(([name, r]) => [cellName(of, name), r]));
}
