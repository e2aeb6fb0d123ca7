/**
 * Banks: what lies behind one address window, or behind an index and a data register. A bank has one unit, the width
 * of its registers and of the accesses that reach them; wider registers span several units.
 */
import type { Aperture } from "./aperture.ts";
import type { Field, FieldRecord } from "./field.ts";
import { u32, u8, type IntType } from "../core/int.ts";
import { selected, type InBank, type Register, type RegisterRecord, type Width } from "./register.ts";
import { DeclarationError, remember } from "./place.ts";

/** Where a window lies: port space, guest-physical memory, MSR numbers, or PCI configuration space. */
export type Space = "port" | "mmio" | "msr" | "configuration";

/** A window of memory that lies where a register of the device says, as a PCI base address register does. */
export interface Movable {
  /** The register that holds the address; what its fields leave out counts as 0. */
  readonly register: string;
  /** The field of that register that holds the address's bits at their place. */
  readonly field: string;
  /** Of the window behind that address, in bytes. */
  readonly offset: number;
  /** `register.field` of the bit without which the window is not there. */
  readonly enabled: string;
}

/** Gives the configuration address that an access at an offset of a window goes on to. */
export type Passage = (self: never, offset: u32) => u32;

/** What answers at every offset of a window alike, byte by byte: a wider access becomes several, lowest first. */
export interface ByteAnswers {
  /** What a read gives; it changes nothing. */
  readonly read: (self: never, offset: u32) => u8;
  readonly write: (self: never, offset: u32, value: u8) => void;
}

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
  /** The guest chooses where the window lies. */
  readonly movable?: Movable;
  /** One of the bank's registers is an aperture to movable windows. */
  readonly aperture?: Aperture;
}

/** Which field selects a guarded group of registers, and with which value. */
export interface Condition {
  readonly register: string;
  readonly field: string;
  readonly value: number;
}
/** Which field picks one element of a repeated register. */
export interface Selection {
  readonly register: string;
  readonly field: string;
}
/** One register as it was put into a bank. */
export interface BankEntry {
  readonly name: string;
  readonly register: Register;
  readonly when: Condition | undefined;
  readonly selection: Selection | undefined;
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
  /** Where accesses to the window go on to; it has no registers then. */
  readonly passage: Passage | undefined;
  /** What answers them in place of registers. */
  readonly answers: ByteAnswers | undefined;
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
  /**
   * Adds registers of which there are `count` each, one behind the other at one place: `register.field` picks which is
   * seen, and where it names none, a hole is. Handlers are given the index.
   */
  select<const More extends RegisterRecord>(
    path: FieldPath<R>,
    count: number,
    registers: More,
  ): Bank<U, R & { readonly [K in keyof More]: Repeated<InBank<More[K], U>> }, D>;
}
type Repeated<R> = R extends Register<infer A, infer F, infer T> ? Register<A, F, T, true> : never;

type Parts = Omit<AnyBank, "entries">;

function build<U, R, D extends boolean>(parts: Parts, entries: readonly BankEntry[]): Bank<U, R, D> {
  const self = Object.freeze({
    ...parts,
    direct: parts.indirection === undefined && !parts.overlay,
    options: Object.freeze({ ...parts.options }),
    entries: Object.freeze(entries),
    when<const More extends RegisterRecord>(path: FieldPath<R>, value: number, registers: More) {
      const { register, name, known } = fieldOf(entries, "when", path);
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** (known.msb - known.lsb + 1)) {
        throw new DeclarationError(
          `when("${path}", ${value}): bits [${known.msb}:${known.lsb}] never have that value`,
          known,
        );
      }
      const condition = Object.freeze({ register, field: name, value });
      return build<U, never, D>(parts, [...entries, ...listed(registers, condition)]);
    },
    select<const More extends RegisterRecord>(path: FieldPath<R>, count: number, registers: More) {
      const { register, name } = fieldOf(entries, "select", path);
      const selection = Object.freeze({ register, field: name });
      const repeated = Object.entries(registers).map(([key, one]) => {
        if (one.many) throw new DeclarationError(`select("${path}"): ${key} is repeated already`, one);
        return [key, selected(count, one)] as const;
      });
      return build<U, never, D>(parts, [
        ...entries,
        ...listed(Object.fromEntries(repeated), undefined, selection),
      ]);
    },
  });
  return remember(self) as unknown as Bank<U, R, D>;
}

/** The field that `register.field` names among the registers declared so far. */
function fieldOf(
  entries: readonly BankEntry[],
  verb: string,
  path: string,
): { readonly register: string; readonly name: string; readonly known: Field } {
  const [register, name] = path.split(".") as [string, string];
  const selector = entries.find((e) => e.name === register)?.register;
  const known = (selector?.fields as FieldRecord | undefined)?.[name];
  if (selector === undefined || known === undefined)
    throw new DeclarationError(`${verb}("${path}"): the bank has no field of that name`);
  if (selector.many)
    throw new DeclarationError(`${verb}("${path}"): a repeated register cannot select`, selector);
  return { register, name, known };
}

function listed(
  registers: RegisterRecord,
  when: Condition | undefined,
  selection: Selection | undefined = undefined,
): BankEntry[] {
  return Object.entries(registers).map(([name, register]) =>
    Object.freeze({ name, register, when, selection }),
  );
}

const plain = { indirection: undefined, overlay: false, passage: undefined, answers: undefined } as const;

/** Registers behind a window of the guest's address space. */
export function bank<U, const R extends RegisterRecord>(
  unit: IntType<U>,
  registers: R,
  options: BankOptions = {},
): Bank<U, { readonly [K in keyof R]: InBank<R[K], U> }, true> {
  return build({ ...plain, unit, options }, listed(registers, undefined));
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
  return build(
    { ...plain, unit, options, indirection: Object.freeze({ ...through }) },
    listed(registers, undefined),
  );
}

/**
 * Bytes that only accesses of one or two bytes see, in the window of a bank of 32-bit units that names this one as
 * `narrow: { bytes: "…" }`. Offsets are those of that window.
 */
export function overlay<const R extends RegisterRecord>(
  registers: R,
  options: Pick<BankOptions, "hole"> = {},
): Bank<u8, { readonly [K in keyof R]: InBank<R[K], u8> }, false> {
  return build({ ...plain, unit: u8, options, overlay: true }, listed(registers, undefined));
}

/**
 * A window without registers, whose accesses go on to PCI configuration space: `to` gives the address there (bus
 * [27:20], device [19:15], function [14:12], register [11:0]) for an offset.
 */
export function passage(
  to: Passage,
  options: Required<Pick<BankOptions, "space" | "size">>,
): Bank<u32, Readonly<Record<never, never>>, true> {
  return build({ ...plain, unit: u32, options, passage: to }, []);
}

/** A window without registers, where the device answers by the offset: a memory chip's. */
export function answers(
  handlers: ByteAnswers,
  options: Required<Pick<BankOptions, "space" | "size">>,
): Bank<u8, Readonly<Record<never, never>>, true> {
  return build({ ...plain, unit: u8, options, answers: Object.freeze({ ...handlers }) }, []);
}
