/** What the templates need to know of one register: everything decided when the device is declared. */
import type { u8 } from "../core/int.ts";
import type { AnyFunction } from "../core/layout.ts";
import { fieldMask } from "./cell.ts";
import type { Field, FieldKind, WrongWrite } from "./field.ts";
import type { Register, Width } from "./register.ts";

/** Masks of a register by what an access does to the bits. */
export interface Masks {
  /** All bits of the register. */
  readonly all: bigint;
  /** Bits that a guest's write replaces. */
  readonly stored: bigint;
  readonly toClear: bigint;
  readonly toSet: bigint;
  /** Bits that a guest's read clears. */
  readonly readClears: bigint;
  /** Bits whose old value stands in for what a partial write leaves out. */
  readonly background: bigint;
  /** Bits whose use is counted: unimplemented, non-zero; or reserved, other than declared. */
  readonly reported: bigint;
  /** What the reported bits must be. */
  readonly expected: bigint;
  /** Bits of which anything but `demanded` makes the whole write refused. */
  readonly strict: bigint;
  readonly demanded: bigint;
}

/** Computes a register's masks. A register without fields is stored as a whole; bits between fields are reserved. */
export function masksOf(register: Register, bits: number): Masks {
  const all = (1n << BigInt(bits)) - 1n;
  const fields = Object.values(register.fields);
  const maskOf = (some: readonly Field[]): bigint => some.reduce((mask, f) => mask | fieldMask(f), 0n);
  const of = (...kinds: FieldKind[]): bigint => maskOf(fields.filter((f) => kinds.includes(f.kind)));
  const reserved = (wrongWrite: WrongWrite) =>
    fields.filter((f) => f.kind === "reserved" && f.wrongWrite === wrongWrite);
  const valueOf = (some: readonly Field[]): bigint =>
    some.reduce((value, f) => value | (f.reads << BigInt(f.lsb)), 0n);
  const reported = [...fields.filter((f) => f.kind === "unimplemented"), ...reserved("report")];
  const refused = reserved("refuse");
  const toClear = of("writeOneToClear");
  const toSet = of("writeOneToSet");
  return Object.freeze({
    all,
    stored: fields.length === 0 ? all : of("stored"),
    toClear,
    toSet,
    readClears: of("readToClear"),
    background: all & ~(toClear | toSet | of("selfClearing")),
    reported: maskOf(reported),
    expected: valueOf(reported),
    strict: maskOf(refused),
    demanded: valueOf(refused),
  });
}

/** The value after a reset: the declared one, with constants and reserved bits as declared. */
export function resetOf(register: Register): bigint {
  let value = register.reset;
  for (const field of Object.values(register.fields)) {
    if (field.kind !== "constant" && field.kind !== "reserved") continue;
    value = (value & ~fieldMask(field)) | (field.reads << BigInt(field.lsb));
  }
  return value;
}

/** A computed field of a register: `get` is the author's function of the state (and the index). */
export interface ComputedField {
  readonly get: AnyFunction;
  readonly lsb: u8;
  /** Its width in bits. */
  readonly size: bigint;
}

/** The author's functions for one register. */
export interface Handlers {
  readonly peek: AnyFunction | undefined;
  readonly flags: readonly ComputedField[];
  readonly numbers: readonly ComputedField[];
  readonly read: AnyFunction | undefined;
  readonly write: AnyFunction | undefined;
  readonly written: AnyFunction | undefined;
  /** Whether a write is taken at all; of an MSR. */
  readonly accepts: AnyFunction | undefined;
  /** `read` sees to it that the device settles. */
  readonly settlesReads: boolean;
}

/** One register of a device, planned. */
export interface Plan {
  readonly name: string;
  readonly register: Register;
  readonly width: Width;
  readonly masks: Masks;
  readonly handlers: Handlers;
  /** Its number among what is reported when used; undefined where nothing of it is. */
  readonly ordinal: u8 | undefined;
}

/** Plans one register. */
export function planOf(
  name: string,
  register: Register,
  unit: Width,
  handlers: Handlers,
  ordinal: u8 | undefined,
): Plan {
  const width = register.width ?? unit;
  return Object.freeze({ name, register, width, masks: masksOf(register, width.bits), handlers, ordinal });
}
