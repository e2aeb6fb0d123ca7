/**
 * Integers with widths. Each name is a type (`u8`), a truncating conversion (`u8(x)`) and a descriptor for layouts
 * (`struct("S", { a: u8 })`).
 *
 * The brands are optional properties, so that a literal needs no cast while `tsc` still refuses to narrow: a `u8` is
 * a `u16`, a `u16` is no `u8`, and a `number` never meets a `bigint`. What `tsc` lets pass (any `number`) the
 * compiler's intervals decide.
 */

declare const width: unique symbol;

export type u8 = number & { readonly [width]?: 8 };
export type u16 = number & { readonly [width]?: 8 | 16 };
export type u32 = number & { readonly [width]?: 8 | 16 | 32 };
export type i32 = number & { readonly [width]?: 8 | 16 | -32 };
export type u64 = bigint & { readonly [width]?: 64 };
export type i64 = bigint & { readonly [width]?: -64 };

/**
 * Hears of a store that changes what it stores to: the address, and the new value as a word without a sign. It is
 * called behind the store, and touches nothing of what it is told of.
 */
export type StoreObserver = (address: u64, value: u64) => void;

/** Describes an integer type: `bits` wide, at `size` bytes, aligned to itself. */
export interface IntDescriptor<T> {
  readonly kind: "int";
  readonly name: "u8" | "u16" | "u32" | "i32" | "u64" | "i64";
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
  readonly size: number;
  readonly align: number;
  /** Hears of the stores, where somebody wants to (`observed`). */
  readonly observer?: StoreObserver;
  /** Phantom: the TypeScript type that the descriptor stands for. */
  readonly type?: T;
}

/** Truncates to the width; `checked` traps (throws in Node) where the value does not fit. */
export interface IntType<T> extends IntDescriptor<T> {
  (value: number | bigint): T;
  checked(value: number | bigint): T;
}

function intType<T>(name: IntDescriptor<T>["name"]): IntType<T> {
  const bits = Number(name.slice(1)) as 8 | 16 | 32 | 64;
  const signed = name.startsWith("i");
  const fromBig = (v: bigint) => (signed ? BigInt.asIntN(bits, v) : BigInt.asUintN(bits, v));
  const truncate = (value: number | bigint): T => {
    if (bits === 64) return fromBig(BigInt(value)) as T;
    if (typeof value === "bigint") return Number(fromBig(value)) as T;
    if (
      Number.isInteger(value) &&
      value >= (signed ? -(2 ** (bits - 1)) : 0) &&
      value < 2 ** (signed ? bits - 1 : bits)
    )
      return value as T;
    return Number(fromBig(BigInt(value))) as T;
  };
  const checked = (value: number | bigint): T => {
    const result = truncate(value);
    if (BigInt(result as number | bigint) !== BigInt(value))
      throw new RangeError(`${value} does not fit ${name}`);
    return result;
  };
  // `name` of a function is read-only but configurable.
  Object.defineProperty(truncate, "name", { value: name });
  return Object.freeze(
    Object.assign(truncate, { kind: "int" as const, bits, signed, size: bits / 8, align: bits / 8, checked }),
  ) as unknown as IntType<T>;
}

export const u8 = intType<u8>("u8");
export const u16 = intType<u16>("u16");
export const u32 = intType<u32>("u32");
export const i32 = intType<i32>("i32");
export const u64 = intType<u64>("u64");
export const i64 = intType<i64>("i64");
