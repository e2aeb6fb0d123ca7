/** GUIDs as the firmware compares them: two little-endian words. */
import { u64 } from "../../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";

/** A GUID in memory. */
export const Guid = struct("Guid", { low: u64, high: u64 });
export type Guid = ValueOf<typeof Guid>;

/** The words of a GUID in its usual notation: the first three groups are little-endian integers, the rest bytes. */
export function guidWords(notation: string): { readonly low: u64; readonly high: u64 } {
  const groups = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i.exec(notation);
  if (groups === null) throw new SyntaxError(`${notation} is no GUID`);
  const word = (index: number): bigint => BigInt(`0x${groups[index]}`);
  const bytes = `${groups[4]}${groups[5]}`.match(/../g)!;
  return Object.freeze({
    low: word(1) | (word(2) << 32n) | (word(3) << 48n),
    high: BigInt(`0x${bytes.reverse().join("")}`),
  });
}

/** A GUID in read-only memory. Build time only. */
export function guid(name: string, notation: string): Guid {
  const words = guidWords(notation);
  const place = storage(`guid.${name}`, Guid, { constant: true });
  place.low = words.low;
  place.high = words.high;
  return place;
}
