/** CPUID leaves: four registers of 32 bits each, with values that the declaration fixes. */
import type { FieldRecord } from "./field.ts";
import { DeclarationError, remember } from "./place.ts";

/** What a register of a leaf reads as: a number, or constant fields with zeros between them. */
export type LeafRegister = number | FieldRecord;

/** The registers of a leaf; one that is not given reads as 0. */
export interface LeafRegisters {
  readonly eax?: LeafRegister;
  readonly ebx?: LeafRegister;
  readonly ecx?: LeafRegister;
  readonly edx?: LeafRegister;
}

/** Names of the registers that CPUID answers in. */
export const leafRegisters = Object.freeze(["eax", "ebx", "ecx", "edx"] as const);
export type LeafRegisterName = (typeof leafRegisters)[number];

/** A declared leaf. */
export interface Leaf {
  /** EAX when CPUID is executed. */
  readonly number: number;
  readonly registers: Readonly<Record<LeafRegisterName, FieldRecord>>;
  readonly values: Readonly<Record<LeafRegisterName, number>>;
  readonly about: string;
  readonly section: string;
}
export type LeafRecord = Readonly<Record<string, Leaf>>;

export interface RowOptions {
  /** One sentence for the reference. */
  readonly about?: string;
  /** Where the specification says so. */
  readonly section?: string;
}

function valueOf(leaf: number, name: LeafRegisterName, register: LeafRegister): number {
  if (typeof register === "number") {
    if (Number.isInteger(register) && register >= 0 && register <= 0xffff_ffff) return register;
    throw new DeclarationError(
      `${name} of leaf 0x${leaf.toString(16)} is a number of 32 bits, not ${register}`,
    );
  }
  let value = 0n;
  let taken = 0n;
  for (const [key, field] of Object.entries(register)) {
    const mask = ((1n << BigInt(field.msb - field.lsb + 1)) - 1n) << BigInt(field.lsb);
    const path = `${name}.${key} of leaf 0x${leaf.toString(16)}`;
    if (field.kind !== "constant" && field.kind !== "reserved")
      throw new DeclarationError(`${path} is ${field.kind}: what CPUID answers is constant`, field);
    if (field.msb > 31)
      throw new DeclarationError(`${path} [${field.msb}:${field.lsb}] is outside 32 bits`, field);
    if ((taken & mask) !== 0n) throw new DeclarationError(`${path} overlaps another field`, field);
    if (field.reads >= 1n << BigInt(field.msb - field.lsb + 1))
      throw new DeclarationError(`${path} cannot read as ${field.reads}`, field);
    taken |= mask;
    value |= field.reads << BigInt(field.lsb);
  }
  return Number(value);
}

/** Declares a leaf. Throws DeclarationError for values that do not fit, and for fields that are not constant. */
export function leaf(number: number, registers: LeafRegisters, options: RowOptions = {}): Leaf {
  if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff)
    throw new DeclarationError(`a leaf's number has 32 bits, and ${number} has not`);
  const each = <T>(of: (name: LeafRegisterName) => T): Readonly<Record<LeafRegisterName, T>> =>
    Object.freeze({ eax: of("eax"), ebx: of("ebx"), ecx: of("ecx"), edx: of("edx") });
  return remember(
    Object.freeze({
      number,
      registers: each((name) => {
        const register = registers[name] ?? 0;
        return typeof register === "number" ? Object.freeze({}) : Object.freeze({ ...register });
      }),
      values: each((name) => valueOf(number, name, registers[name] ?? 0)),
      about: options.about ?? "",
      section: options.section ?? "",
    }),
  );
}

/** Four letters as a register of CPUID has them, the first in the lowest byte. Throws DeclarationError for anything else. */
export function letters(text: string): number {
  const codes = Array.from(text, (letter) => letter.charCodeAt(0));
  if (codes.length !== 4 || codes.some((code) => code > 0xff))
    throw new DeclarationError(`"${text}" are no four letters`);
  return codes.reduceRight((word, code) => word * 0x100 + code, 0);
}
