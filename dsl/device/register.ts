/** Registers: an offset, an access, fields, a reset value. */
import type { IntType } from "../core/int.ts";
import type { FieldRecord } from "./field.ts";
import { DeclarationError, remember } from "./place.ts";

/** What a guest may do with a register. */
export type Access = "ro" | "wo" | "rw";

/** Stands for the bank's width until the register is put into a bank. */
export interface BankWidth {
  readonly bankWidth: true;
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any of the four unsigned widths
export type Width<T = any> = IntType<T>;

export interface RegisterOptions {
  /** Its value after a reset, default 0; for an array, of every element. */
  readonly reset?: number | bigint;
  /** Not there: every access is counted, and reported once. */
  readonly unimplemented?: boolean;
  /** A reset leaves it: a battery keeps it. */
  readonly retained?: boolean;
  /** One sentence for the register reference. */
  readonly about?: string;
  /** Where its manual describes it: `§8.7`. */
  readonly section?: string;
  /** How often a guest uses it beside a register that says nothing, which has 1: what is used most is found first. */
  readonly weight?: number;
  /**
   * Of an MSR: it is another way to this register of the vCPU's local APIC, by its x2APIC number, in whichever mode that
   * is. The device itself has no part in it.
   */
  readonly apic?: number;
}

/** Wider than its bank: it is then seen in consecutive units, the lowest first. */
export interface WithWidth<W> {
  readonly width: IntType<W>;
}

/** A declared register (or array of registers) with `T` the integer type of its value. */
export interface Register<
  A extends Access = Access,
  F extends FieldRecord = FieldRecord,
  T = unknown,
  Many extends boolean = boolean,
> {
  readonly access: A;
  readonly offset: number;
  readonly fields: F;
  readonly width: Width | undefined;
  readonly reset: bigint;
  readonly unimplemented: boolean;
  readonly retained: boolean;
  readonly about: string;
  readonly section: string;
  readonly weight: number;
  readonly apic: number | undefined;
  readonly many: Many;
  readonly count: number;
  readonly stride: number;
  readonly type?: T;
}
export type RegisterRecord = Readonly<Record<string, Register>>;
type NoFields = Readonly<Record<never, never>>;

type One<A extends Access, F extends FieldRecord, T> = Register<A, F, T, false>;

function register<A extends Access, F extends FieldRecord>(
  access: A,
  offset: number,
  fields: F | undefined,
  options: (RegisterOptions & Partial<WithWidth<unknown>>) | undefined,
): One<A, F, never> {
  if (!Number.isInteger(offset) || offset < 0) {
    throw new DeclarationError(`a register's offset is a whole number of at least 0, not ${offset}`);
  }
  const weight = options?.weight ?? 1;
  if (!Number.isSafeInteger(weight) || weight < 1)
    throw new DeclarationError(`a register's weight is a whole number of at least 1, not ${weight}`);
  return remember(
    Object.freeze({
      access,
      offset,
      fields: Object.freeze({ ...fields }) as F,
      width: options?.width,
      reset: BigInt(options?.reset ?? 0),
      unimplemented: options?.unimplemented ?? false,
      retained: options?.retained ?? false,
      about: options?.about ?? "",
      section: options?.section ?? "",
      weight,
      apic: options?.apic,
      many: false as const,
      count: 1,
      stride: 0,
    }),
  );
}

/** A register that a guest reads and writes. */
export function rw(offset: number): One<"rw", NoFields, BankWidth>;
export function rw<const F extends FieldRecord>(
  offset: number,
  fields: F,
  options?: RegisterOptions,
): One<"rw", F, BankWidth>;
export function rw<const F extends FieldRecord, W>(
  offset: number,
  fields: F,
  options: RegisterOptions & WithWidth<W>,
): One<"rw", F, W>;
export function rw(
  offset: number,
  fields?: FieldRecord,
  options?: RegisterOptions,
): One<"rw", FieldRecord, never> {
  return register("rw", offset, fields, options);
}

/** A register that a guest reads; its writes go nowhere, or to a write-only register at the same offset. */
export function ro(offset: number): One<"ro", NoFields, BankWidth>;
export function ro<const F extends FieldRecord>(
  offset: number,
  fields: F,
  options?: RegisterOptions,
): One<"ro", F, BankWidth>;
export function ro<const F extends FieldRecord, W>(
  offset: number,
  fields: F,
  options: RegisterOptions & WithWidth<W>,
): One<"ro", F, W>;
export function ro(
  offset: number,
  fields?: FieldRecord,
  options?: RegisterOptions,
): One<"ro", FieldRecord, never> {
  return register("ro", offset, fields, options);
}

/** A register that a guest writes; it reads as a hole, or as a read-only register at the same offset. */
export function wo(offset: number): One<"wo", NoFields, BankWidth>;
export function wo<const F extends FieldRecord>(
  offset: number,
  fields: F,
  options?: RegisterOptions,
): One<"wo", F, BankWidth>;
export function wo<const F extends FieldRecord, W>(
  offset: number,
  fields: F,
  options: RegisterOptions & WithWidth<W>,
): One<"wo", F, W>;
export function wo(
  offset: number,
  fields?: FieldRecord,
  options?: RegisterOptions,
): One<"wo", FieldRecord, never> {
  return register("wo", offset, fields, options);
}

/** `count` registers alike, `stride` apart, a power of two. Handlers are given the index. */
export function repeat<A extends Access, F extends FieldRecord, T>(
  count: number,
  stride: number,
  one: Register<A, F, T, false>,
): Register<A, F, T, true> {
  if (!Number.isInteger(count) || count < 1 || count > 256) {
    throw new DeclarationError(`a register is repeated 1 to 256 times, not ${count}`, one);
  }
  if (!Number.isInteger(stride) || stride < 1 || (stride & (stride - 1)) !== 0) {
    throw new DeclarationError(`a repeated register's stride is a power of two, not ${stride}`, one);
  }
  return remember(Object.freeze({ ...one, many: true as const, count, stride }), one);
}

/** `count` registers alike at one place, of which a field picks one; `bank.select` makes them. */
export function selected(count: number, one: Register): Register {
  if (!Number.isInteger(count) || count < 1 || count > 256) {
    throw new DeclarationError(`a field picks one of 1 to 256 registers, not of ${count}`, one);
  }
  return remember(Object.freeze({ ...one, many: true as const, count, stride: 0 }), one);
}

/** The register with the bank's width filled in. */
export type InBank<R, U> =
  R extends Register<infer A, infer F, infer T, infer M>
    ? Register<A, F, [T] extends [BankWidth] ? U : T, M>
    : never;
