/** Sizes and times as a manifest writes them, so that no bare number has to be guessed at. */

declare const unit: unique symbol;

/** A number of bytes, made by {@link kib}, {@link mib} or {@link gib}. */
export type Bytes = number & { readonly [unit]: "bytes" };
/** A number of nanoseconds, made by {@link microseconds}, {@link milliseconds} or {@link seconds}. */
export type Nanoseconds = number & { readonly [unit]: "nanoseconds" };

/** A literal that is a whole number above zero; a `number` that is no literal is looked at when the image is built. */
export type PositiveWhole<N extends number> = number extends N
  ? N
  : `${N}` extends "0" | `-${string}` | `${string}.${string}` | `${string}e-${string}`
    ? { readonly "must be a whole number above zero": N }
    : N;

function whole(value: number, factor: number): number {
  if (!Number.isInteger(value) || value <= 0) throw new RangeError(`${value} is no whole number above zero`);
  return value * factor;
}

/** Units of 1,024 bytes. */
export function kib<const N extends number>(count: PositiveWhole<N> & number): Bytes {
  return whole(count, 2 ** 10) as Bytes;
}
/** Units of 1,048,576 bytes. */
export function mib<const N extends number>(count: PositiveWhole<N> & number): Bytes {
  return whole(count, 2 ** 20) as Bytes;
}
/** Units of 1,073,741,824 bytes. */
export function gib<const N extends number>(count: PositiveWhole<N> & number): Bytes {
  return whole(count, 2 ** 30) as Bytes;
}
/** Units of 1,000 ns. */
export function microseconds<const N extends number>(count: PositiveWhole<N> & number): Nanoseconds {
  return whole(count, 1e3) as Nanoseconds;
}
/** Units of 1,000,000 ns. */
export function milliseconds<const N extends number>(count: PositiveWhole<N> & number): Nanoseconds {
  return whole(count, 1e6) as Nanoseconds;
}
/** Units of 1,000,000,000 ns. */
export function seconds<const N extends number>(count: PositiveWhole<N> & number): Nanoseconds {
  return whole(count, 1e9) as Nanoseconds;
}
