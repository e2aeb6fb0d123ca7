/** Fields of registers: where their bits lie, and what a guest's access does to them. */
import type { u16, u32, u64, u8 } from "../core/int.ts";
import { DeclarationError, remember } from "./place.ts";

/**
 * What a guest's access does to a field. The device's own code may write every kind but `constant` and `reserved`.
 *
 * - `stored`: keeps what was written.
 * - `readOnly`: the device writes it; a guest's write leaves it.
 * - `constant`: always the same value.
 * - `reserved`: reads as declared, a write of anything else is ignored, reported or refused, as declared.
 * - `writeOneToClear`, `writeOneToSet`: a written 1 clears or sets, a 0 leaves.
 * - `readToClear`: a guest's read clears it after the value was taken; a guest's write leaves it.
 * - `selfClearing`: a written 1 reaches the handlers, and is never read back.
 * - `unimplemented`: hardware has it and we do not; a write of non-zero is counted, and reported once.
 */
export type FieldKind =
  | "stored"
  | "readOnly"
  | "constant"
  | "reserved"
  | "writeOneToClear"
  | "writeOneToSet"
  | "readToClear"
  | "selfClearing"
  | "unimplemented";

/** What a write of something else than declared to reserved bits does; `refuse` is for MSRs, which answer with #GP. */
export type WrongWrite = "ignore" | "report" | "refuse";

/** A declared field; `V` is the type it has in the device's code, `never` where it has no name there. */
export interface Field<V = unknown> {
  readonly kind: FieldKind;
  readonly msb: number;
  readonly lsb: number;
  /** A single bit, seen as a boolean. */
  readonly flag: boolean;
  /** What `constant` and `reserved` read as. */
  readonly reads: bigint;
  /** What a wrong write to a reserved field does. */
  readonly wrongWrite: WrongWrite;
  /** What it means, for the register reference. */
  readonly about: string;
  readonly type?: V;
}
export type FieldRecord = Readonly<Record<string, Field>>;

type Tuple<N extends number, A extends unknown[] = []> = A["length"] extends N
  ? A
  : Tuple<N, [...A, unknown]>;
/** msb - lsb, for literal bit numbers. */
type Distance<M extends number, L extends number> =
  Tuple<M> extends [...Tuple<L>, ...infer Rest] ? Rest["length"] : never;
type Below8 = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
type Below16 = Below8 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;
type Below32 = Below16 | 16 | 17 | 18 | 19 | 20 | 21 | 22 | 23 | 24 | 25 | 26 | 27 | 28 | 29 | 30 | 31;
/** The narrowest integer type that holds bits [M:L]. */
export type BitsValue<M extends number, L extends number> = number extends M | L
  ? u32
  : Distance<M, L> extends infer D
    ? [D] extends [Below8]
      ? u8
      : [D] extends [Below16]
        ? u16
        : [D] extends [Below32]
          ? u32
          : u64
    : never;

function field<V>(msb: number, lsb: number, flag: boolean, about: string): Field<V> {
  if (!Number.isInteger(msb) || !Number.isInteger(lsb) || lsb < 0 || msb > 63 || msb < lsb) {
    throw new DeclarationError(
      `bits [${msb}:${lsb}] are no bit range: write the upper bit first, within [63:0]`,
    );
  }
  return remember(Object.freeze({ kind: "stored", msb, lsb, flag, reads: 0n, wrongWrite: "ignore", about }));
}

/** One bit, a boolean; `about` says in a sentence what it means. */
export function bit(n: number, about = ""): Field<boolean> {
  return field(n, n, true, about);
}

/** Bits [msb:lsb], the narrowest integer that holds them; `about` says in a sentence what they mean. */
export function bits<const M extends number, const L extends number>(
  msb: M,
  lsb: L,
  about = "",
): Field<BitsValue<M, L>> {
  return field(msb, lsb, false, about);
}

function as<V>(base: Field<V>, kind: FieldKind, rest: Partial<Field> = {}): Field<V> {
  if (base.kind !== "stored") throw new DeclarationError(`a ${base.kind} field cannot also be ${kind}`, base);
  return remember(Object.freeze({ ...base, ...rest, kind }) as Field<V>, base);
}

/** The device writes it; a guest's write leaves it. */
export const readOnly = <V>(base: Field<V>): Field<V> => as(base, "readOnly");
/** Always `value`. */
export const constant = <V>(base: Field<V>, value: number | bigint | boolean): Field<V> =>
  as(base, "constant", { reads: BigInt(value) });
/** A written 1 clears it. */
export const writeOneToClear = <V>(base: Field<V>): Field<V> => as(base, "writeOneToClear");
/** A written 1 sets it. */
export const writeOneToSet = <V>(base: Field<V>): Field<V> => as(base, "writeOneToSet");
/** A guest's read clears it. */
export const readToClear = <V>(base: Field<V>): Field<V> => as(base, "readToClear");
/** A written 1 acts once, in a handler. */
export const selfClearing = <V>(base: Field<V>): Field<V> => as(base, "selfClearing");
/** Not there: counted when used, reported once. */
export const unimplemented = <V>(base: Field<V>): Field<V> => as(base, "unimplemented");

/** Bits [msb:lsb] that the hardware's manual reserves; what else is written than `reads` is ignored, reported or refused. */
export function reserved(
  msb: number,
  lsb: number,
  options: { readonly reads?: number | bigint; readonly wrongWrite?: WrongWrite } = {},
): Field<never> {
  return as(field<never>(msb, lsb, msb === lsb, ""), "reserved", {
    reads: BigInt(options.reads ?? 0),
    wrongWrite: options.wrongWrite ?? "ignore",
  });
}
