/**
 * A register's cell in the device's state: a struct with its raw `value` and one computed property for each field, so
 * that `u.lcr.wordLength` is a mask and a shift on one load.
 */
import { u16, u32, u64, u8, type IntDescriptor, type IntType } from "../core/int.ts";
import { extend, struct, type FixedArray, type Property, type StructDescriptor } from "../core/layout.ts";
import type { Field, FieldRecord } from "./field.ts";
import type { Register } from "./register.ts";

/** The cell of a register of up to 32 bits, as templates see it. */
export interface Cell {
  value: u32;
}
/** The cell of a 64-bit register. */
export interface WideCell {
  value: u64;
}
/** A device's state as templates see it: cells by the registers' names. */
export type Cells = Readonly<Record<string, Cell>>;
export type WideCells = Readonly<Record<string, WideCell>>;
export type CellArrays = Readonly<Record<string, FixedArray<Cell>>>;
export type WideCellArrays = Readonly<Record<string, FixedArray<WideCell>>>;

/** Fields that the device's code sees. */
export type FieldValues<F extends FieldRecord> = {
  -readonly [
    K in keyof F as F[K] extends Field<infer V> ? ([V] extends [never] ? never : K) : never
  ]: F[K] extends Field<infer V> ? V : never;
};
/** The type of a register's cell: its raw value and its fields. */
export type CellValue<R> =
  R extends Register<infer _A, infer F, infer T> ? { value: T } & FieldValues<F> : never;
/** The cells of a record of registers; arrays of cells for repeated ones. */
export type CellValues<R> = {
  readonly [K in keyof R]: R[K] extends Register<infer _A, infer _F, infer _T, true>
    ? FixedArray<CellValue<R[K]>>
    : CellValue<R[K]>;
};

/** All ones in the field's place. */
export function fieldMask(field: Field): bigint {
  return ((1n << BigInt(field.msb - field.lsb + 1)) - 1n) << BigInt(field.lsb);
}

/** Truncates to a register's width; typed as the widest of the narrow ones. */
export function narrowOf(width: IntDescriptor<unknown>): IntType<u32> {
  return width as IntType<u32>;
}

function flag(narrow: IntType<u32>, mask: u32, others: u32): Property {
  return {
    get: (self: Cell): boolean => (self.value & mask) !== 0,
    set: (self: Cell, on: boolean): void => {
      self.value = on ? narrow(self.value | mask) : narrow(self.value & others);
    },
  };
}
function wideFlag(mask: u64, others: u64): Property {
  return {
    get: (self: WideCell): boolean => (self.value & mask) !== 0n,
    set: (self: WideCell, on: boolean): void => {
      self.value = on ? u64(self.value | mask) : u64(self.value & others);
    },
  };
}

function number8(narrow: IntType<u32>, lsb: u8, ones: u32, others: u32): Property {
  return {
    get: (self: Cell): u8 => u8((self.value >>> lsb) & ones),
    set: (self: Cell, part: u8): void => {
      self.value = narrow((self.value & others) | ((part & ones) << lsb));
    },
  };
}
function number16(narrow: IntType<u32>, lsb: u8, ones: u32, others: u32): Property {
  return {
    get: (self: Cell): u16 => u16((self.value >>> lsb) & ones),
    set: (self: Cell, part: u16): void => {
      self.value = narrow((self.value & others) | ((part & ones) << lsb));
    },
  };
}
function number32(lsb: u8, ones: u32, others: u32): Property {
  return {
    get: (self: Cell): u32 => u32((self.value >>> lsb) & ones),
    set: (self: Cell, part: u32): void => {
      self.value = u32((self.value & others) | ((part & ones) << lsb));
    },
  };
}

function wideNumber8(lsb: u64, ones: u64, others: u64): Property {
  return {
    get: (self: WideCell): u8 => u8((self.value >> lsb) & ones),
    set: (self: WideCell, part: u8): void => {
      self.value = u64((self.value & others) | ((BigInt(part) & ones) << lsb));
    },
  };
}
function wideNumber16(lsb: u64, ones: u64, others: u64): Property {
  return {
    get: (self: WideCell): u16 => u16((self.value >> lsb) & ones),
    set: (self: WideCell, part: u16): void => {
      self.value = u64((self.value & others) | ((BigInt(part) & ones) << lsb));
    },
  };
}
function wideNumber32(lsb: u64, ones: u64, others: u64): Property {
  return {
    get: (self: WideCell): u32 => u32((self.value >> lsb) & ones),
    set: (self: WideCell, part: u32): void => {
      self.value = u64((self.value & others) | ((BigInt(part) & ones) << lsb));
    },
  };
}
function wideNumber64(lsb: u64, ones: u64, others: u64): Property {
  return {
    get: (self: WideCell): u64 => u64((self.value >> lsb) & ones),
    set: (self: WideCell, part: u64): void => {
      self.value = u64((self.value & others) | ((part & ones) << lsb));
    },
  };
}

function property(field: Field, width: IntDescriptor<unknown>): Property {
  const mask = fieldMask(field);
  const others = ((1n << BigInt(width.bits)) - 1n) & ~mask;
  const lsb = BigInt(field.lsb);
  const ones = mask >> lsb;
  const size = field.msb - field.lsb + 1;
  if (width.bits === 64) {
    if (field.flag) return wideFlag(mask, others);
    if (size <= 8) return wideNumber8(lsb, ones, others);
    if (size <= 16) return wideNumber16(lsb, ones, others);
    return size <= 32 ? wideNumber32(lsb, ones, others) : wideNumber64(lsb, ones, others);
  }
  const narrow = narrowOf(width);
  if (field.flag) return flag(narrow, u32(mask), u32(others));
  if (size <= 8) return number8(narrow, field.lsb, u32(ones), u32(others));
  if (size <= 16) return number16(narrow, field.lsb, u32(ones), u32(others));
  return number32(field.lsb, u32(ones), u32(others));
}

/** The struct of one register's cell. */
export function cellOf(
  deviceName: string,
  name: string,
  register: Register,
  width: IntDescriptor<unknown>,
): StructDescriptor {
  const properties: Record<string, Property> = {};
  for (const [fieldName, field] of Object.entries(register.fields)) {
    if (field.kind === "reserved") continue;
    properties[fieldName] = property(field, width);
  }
  return extend(struct(`${deviceName}.${name}`, { value: width }), { properties }) as StructDescriptor;
}
