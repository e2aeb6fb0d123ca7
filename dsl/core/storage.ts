/**
 * Static storage: every byte that an image owns besides its code. What module scope writes into it at build time is
 * its content when the image starts.
 */
import { make, location, type Descriptor, type ValueOf } from "./layout.ts";

/** A declared piece of static storage. */
export interface Storage {
  readonly name: string;
  readonly descriptor: Descriptor;
  /** Address in Node's memory. */
  readonly address: number;
  readonly align: number;
  readonly constant: boolean;
  readonly section: string | undefined;
}

export interface StorageOptions {
  /** Alignment in bytes, a power of two; at least the descriptor's. */
  readonly align?: number;
  /** Read-only in the image. */
  readonly constant?: boolean;
  /** A section of its own, at most 8 characters. */
  readonly section?: string;
}

const all: Storage[] = [];

/** Declares static storage for one struct or array and returns it. */
export function storage<D extends Descriptor>(
  name: string,
  descriptor: D,
  options: StorageOptions = {},
): ValueOf<D> {
  const value = make(descriptor);
  const place = location(value);
  if (place === undefined)
    throw new TypeError(`storage ${name}: only structs and arrays have storage of their own`);
  all.push(
    Object.freeze({
      name,
      descriptor,
      address: place.address,
      align: Math.max(options.align ?? 1, descriptor.align),
      constant: options.constant ?? false,
      section: options.section,
    }),
  );
  return value;
}

/** Every storage declared so far, in order. */
export function declaredStorage(): readonly Storage[] {
  return all;
}
