/**
 * Integers and booleans of a device's state. Each lies in a cell of its own, so that the templates reach it by its
 * name (`self[place].value`), and is seen by the device's code as a plain property.
 */
import type { i32, i64, IntDescriptor, u16, u32, u64, u8 } from "../core/int.ts";
import { struct, type Descriptor, type Property, type StructDescriptor } from "../core/layout.ts";

type Holding<T> = Readonly<Record<string, { value: T }>>;

/** The name of the field that holds the scalar `name`. */
export function scalarPlace(name: string): string {
  return `${name}$`;
}

/** Whether a piece of state is a scalar. */
export function isScalar(descriptor: Descriptor): boolean {
  return descriptor.kind === "int" || descriptor.kind === "bool";
}

/** The cell of a scalar. */
export function scalarCell(deviceName: string, name: string, descriptor: Descriptor): StructDescriptor {
  return struct(`${deviceName}.${name}`, { value: descriptor }) as StructDescriptor;
}

function ofBool(at: string): Property {
  return {
    get: (self: Holding<boolean>): boolean => self[at].value,
    set: (self: Holding<boolean>, value: boolean): void => {
      self[at].value = value;
    },
  };
}
function of8(at: string): Property {
  return {
    get: (self: Holding<u8>): u8 => self[at].value,
    set: (self: Holding<u8>, value: u8): void => {
      self[at].value = value;
    },
  };
}
function of16(at: string): Property {
  return {
    get: (self: Holding<u16>): u16 => self[at].value,
    set: (self: Holding<u16>, value: u16): void => {
      self[at].value = value;
    },
  };
}
function of32(at: string): Property {
  return {
    get: (self: Holding<u32>): u32 => self[at].value,
    set: (self: Holding<u32>, value: u32): void => {
      self[at].value = value;
    },
  };
}
function of64(at: string): Property {
  return {
    get: (self: Holding<u64>): u64 => self[at].value,
    set: (self: Holding<u64>, value: u64): void => {
      self[at].value = value;
    },
  };
}
function ofSigned32(at: string): Property {
  return {
    get: (self: Holding<i32>): i32 => self[at].value,
    set: (self: Holding<i32>, value: i32): void => {
      self[at].value = value;
    },
  };
}
function ofSigned64(at: string): Property {
  return {
    get: (self: Holding<i64>): i64 => self[at].value,
    set: (self: Holding<i64>, value: i64): void => {
      self[at].value = value;
    },
  };
}

const byType = { u8: of8, u16: of16, u32: of32, u64: of64, i32: ofSigned32, i64: ofSigned64 } as const;

/** The property that stands for a scalar. */
export function scalarProperty(name: string, descriptor: Descriptor): Property {
  const at = scalarPlace(name);
  return descriptor.kind === "bool" ? ofBool(at) : byType[(descriptor as IntDescriptor<unknown>).name](at);
}
