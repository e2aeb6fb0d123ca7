/** Reading and merging general registers of every width (APM vol. 1 §3.1.2). */
import { i64, u64, type u8 } from "../../../dsl/core/int.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";

/** Ones over `width` bytes (1, 2, 4 or 8). */
export function maskOf(width: u8): u64 {
  return u64(0xffff_ffff_ffff_ffffn >> BigInt((64 - 8 * width) & 63));
}

/** A value of `width` bytes (1, 2, 4 or 8) as a signed number. */
export function signExtend64(value: u64, width: u8): i64 {
  const unused = BigInt((64 - 8 * width) & 63);
  return i64(i64(u64(value << unused)) >> unused);
}

/** True where a byte register is AH, CH, DH or BH: numbers 4 to 7 without REX. */
function isHighByte(register: u8, width: u8, rex: u8): boolean {
  return width === 1 && rex === 0 && (register & 0xc) === 4;
}

/** The value of a general register, `width` bytes of it, zero-extended. */
export function readRegister(gpr: FixedArray<u64>, register: u8, width: u8, rex: u8): u64 {
  if (isHighByte(register, width, rex)) return u64((gpr[register & 3] >> 8n) & 0xffn);
  return u64(gpr[register & 15] & maskOf(width));
}

/** The number of the 64-bit register that holds `register`. */
export function containingRegister(register: u8, width: u8, rex: u8): u8 {
  return isHighByte(register, width, rex) ? register & 3 : register & 15;
}

/**
 * What the containing 64-bit register holds after a write of `width` bytes: 4 bytes clear the upper half, 1 and 2 keep
 * what is around them.
 */
export function mergeRegister(gpr: FixedArray<u64>, register: u8, width: u8, rex: u8, value: u64): u64 {
  if (width === 8) return value;
  if (width === 4) return u64(value & 0xffff_ffffn);
  if (isHighByte(register, width, rex)) return u64((gpr[register & 3] & ~0xff00n) | ((value & 0xffn) << 8n));
  const mask = maskOf(width);
  return u64((gpr[register & 15] & ~mask) | (value & mask));
}
