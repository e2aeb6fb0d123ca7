/**
 * Banks: what lies behind one address window, or behind an index and a data register. A bank has one unit, the width
 * of its registers and of the accesses that reach them; wider registers span several units.
 */
import type { FieldRecord } from "./field.ts";
import { u8, type IntType } from "../core/int.ts";
import type { InBank, Register, RegisterRecord, Width } from "./register.ts";
import { DeclarationError, remember } from "./place.ts";

/** Where a window lies: port space, guest-physical memory, or MSR numbers. */
export type Space = "port" | "mmio" | "msr";

export interface BankOptions {
  /** Default `port`. */
  readonly space?: Space;
  /** Bytes that the window takes; default: to the end of the last register. */
  readonly size?: number;
  /** Every unit of the window must have a register. */
  readonly dense?: boolean;
  /**
   * An access narrower than the unit: reads its part and writes by merging (default), reads a hole and is dropped, or
   * reaches an overlay of bytes of that name.
   */
  readonly narrow?: "merge" | "ignore" | { readonly bytes: string };
  /** An access wider than the unit: becomes several, lowest first (default), or reads a hole and is dropped. */
  readonly wide?: "split" | "ignore";
  /** What a hole reads as; default all ones in a port bank, 0 elsewhere. */
  readonly hole?: number | bigint;
}

/** Which field selects a guarded group of registers, and with which value. */
export interface Condition {
  readonly register: string;
  readonly field: string;
  readonly value: number;
}
/** One register as it was put into a bank. */
export interface BankEntry {
  readonly name: string;
  readonly register: Register;
  readonly when: Condition | undefined;
}
/** An index register's field and the data register through which an indirect bank is seen. */
export interface Indirection {
  readonly index: string;
  readonly data: string;
}

/** `register.field` of every named field of the registers `R`. */
export type FieldPath<R> = {
  [K in keyof R & string]: R[K] extends Register<infer _A, infer F> ? `${K}.${keyof F & string}` : never;
}[keyof R & string];

/** Any bank. */
export interface AnyBank {
  readonly unit: Width;
  readonly options: BankOptions;
  readonly entries: readonly BankEntry[];
  readonly indirection: Indirection | undefined;
  /** Whether it is seen by narrow accesses to another bank's window. */
  readonly overlay: boolean;
}
/** A bank with unit type `U` and registers `R`; `D` where it lies behind a window of its own. */
export interface Bank<U, R, D extends boolean> extends AnyBank {
  readonly direct: D;
  readonly registers?: R;
  /** Adds registers that are seen only while `register.field` has the value. */
  when<const More extends RegisterRecord>(
    path: FieldPath<R>,
    value: number,
    registers: More,
  ): Bank<U, R & { readonly [K in keyof More]: InBank<More[K], U> }, D>;
}

function build<U, R, D extends boolean>(
  unit: Width,
  options: BankOptions,
  entries: readonly BankEntry[],
  indirection: Indirection | undefined,
  overlaid: boolean,
): Bank<U, R, D> {
  const self = Object.freeze({
    direct: indirection === undefined && !overlaid,
    overlay: overlaid,
    unit,
    options: Object.freeze({ ...options }),
    entries: Object.freeze(entries),
    indirection,
    when<const More extends RegisterRecord>(path: FieldPath<R>, value: number, registers: More) {
      const [register, field] = (path as string).split(".") as [string, string];
      const selector = entries.find((e) => e.name === register)?.register;
      const known = (selector?.fields as FieldRecord | undefined)?.[field];
      if (selector === undefined || known === undefined) {
        throw new DeclarationError(`when("${path}"): the bank has no field of that name`);
      }
      if (selector.many)
        throw new DeclarationError(`when("${path}"): a repeated register cannot select`, selector);
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** (known.msb - known.lsb + 1)) {
        throw new DeclarationError(
          `when("${path}", ${value}): bits [${known.msb}:${known.lsb}] never have that value`,
          known,
        );
      }
      const condition = Object.freeze({ register, field, value });
      return build<U, never, D>(
        unit,
        options,
        [...entries, ...listed(registers, condition)],
        indirection,
        overlaid,
      );
    },
  });
  return remember(self) as unknown as Bank<U, R, D>;
}

function listed(registers: RegisterRecord, when: Condition | undefined): BankEntry[] {
  return Object.entries(registers).map(([name, register]) => Object.freeze({ name, register, when }));
}

/** Registers behind a window of the guest's address space. */
export function bank<U, const R extends RegisterRecord>(
  unit: IntType<U>,
  registers: R,
  options: BankOptions = {},
): Bank<U, { readonly [K in keyof R]: InBank<R[K], U> }, true> {
  return build(unit, options, listed(registers, undefined), undefined, false);
}

/**
 * Registers behind an index and a data register, which another bank of the device declares: `index` names a field,
 * `data` a register. Offsets are index values; a register twice as wide as the unit takes two.
 */
export function indirect<U, const R extends RegisterRecord>(
  unit: IntType<U>,
  through: { readonly index: string; readonly data: string },
  registers: R,
  options: Pick<BankOptions, "hole" | "dense" | "size"> = {},
): Bank<U, { readonly [K in keyof R]: InBank<R[K], U> }, false> {
  return build(unit, options, listed(registers, undefined), Object.freeze({ ...through }), false);
}

/**
 * Bytes that only accesses of one or two bytes see, in the window of a bank of 32-bit units that names this one as
 * `narrow: { bytes: "…" }`. Offsets are those of that window.
 */
export function overlay<const R extends RegisterRecord>(
  registers: R,
  options: Pick<BankOptions, "hole"> = {},
): Bank<u8, { readonly [K in keyof R]: InBank<R[K], u8> }, false> {
  return build(u8, options, listed(registers, undefined), undefined, true);
}
