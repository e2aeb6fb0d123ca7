/** Integer arithmetic with its flags (APM vol. 1 §3.1.4). Operands and results are zero-extended from `width` bytes. */
import { u32, u64, type u8 } from "../../../dsl/core/int.ts";
import { Operation } from "./operation.ts";
import { maskOf } from "./register-file.ts";

/** Carry. */
export const flagCarry = 0x001;
/** Even parity of the result's low byte. */
export const flagParity = 0x004;
/** Carry out of bit 3. */
export const flagAuxiliary = 0x010;
export const flagZero = 0x040;
export const flagSign = 0x080;
/** Strings go down. */
export const flagDirection = 0x400;
export const flagOverflow = 0x800;
/** The flags that arithmetic sets. */
export const arithmeticFlags = flagCarry | flagParity | flagAuxiliary | flagZero | flagSign | flagOverflow;

/** A result with all six arithmetic flags. */
export interface Computed {
  readonly value: u64;
  readonly flags: u32;
}

function signOf(value: u64, width: u8): u32 {
  return u32((value >> BigInt((8 * width - 1) & 63)) & 1n);
}

/** PF, ZF and SF of a result. */
function resultFlags(value: u64, width: u8): u32 {
  const low = u32(value & 0xffn);
  // The constant holds, for each nibble, whether its parity is even.
  const even = (0x9669 >> ((low ^ (low >> 4)) & 15)) & 1;
  return u32((even << 2) | (value === 0n ? flagZero : 0) | (signOf(value, width) << 7));
}

/** Sum of two operands and a carry of 0 or 1. */
export function addWithCarry(a: u64, b: u64, carry: u8, width: u8): Computed {
  const value = u64(u64(a + b + BigInt(carry)) & maskOf(width));
  const carryOut = value < a || (carry !== 0 && value === a) ? flagCarry : 0;
  const auxiliary = u32((a ^ b ^ value) & 0x10n);
  const overflow = signOf(u64((a ^ value) & (b ^ value)), width) << 11;
  return { value, flags: u32(resultFlags(value, width) | carryOut | auxiliary | overflow) };
}

/** Difference of two operands and a borrow of 0 or 1. */
export function subtractWithBorrow(a: u64, b: u64, borrow: u8, width: u8): Computed {
  const value = u64(u64(a - b - BigInt(borrow)) & maskOf(width));
  const borrowOut = a < b || (borrow !== 0 && a === b) ? flagCarry : 0;
  const auxiliary = u32((a ^ b ^ value) & 0x10n);
  const overflow = signOf(u64((a ^ b) & (a ^ value)), width) << 11;
  return { value, flags: u32(resultFlags(value, width) | borrowOut | auxiliary | overflow) };
}

function logical(value: u64, width: u8): Computed {
  return { value, flags: resultFlags(value, width) };
}

/** The result and flags of `add` to `cmp`, `test`, `inc`, `dec` and `neg`; of the last three `b` is ignored. `carry` is CF before. */
export function compute(operation: u8, a: u64, b: u64, carry: u8, width: u8): Computed {
  switch (operation) {
    case Operation.add:
      return addWithCarry(a, b, 0, width);
    case Operation.adc:
      return addWithCarry(a, b, carry, width);
    case Operation.sbb:
      return subtractWithBorrow(a, b, carry, width);
    case Operation.and:
    case Operation.test:
      return logical(u64(a & b), width);
    case Operation.or:
      return logical(u64(a | b), width);
    case Operation.xor:
      return logical(u64(a ^ b), width);
    case Operation.neg:
      return subtractWithBorrow(0n, a, 0, width);
    case Operation.inc: {
      const { value, flags } = addWithCarry(a, 1n, 0, width);
      return { value, flags: u32((flags & ~flagCarry) | carry) };
    }
    case Operation.dec: {
      const { value, flags } = subtractWithBorrow(a, 1n, 0, width);
      return { value, flags: u32((flags & ~flagCarry) | carry) };
    }
    default:
      return subtractWithBorrow(a, b, 0, width);
  }
}

/** The condition of an even condition code. */
function evenCondition(code: u8, flags: u32): boolean {
  const less = (((flags >>> 7) ^ (flags >>> 11)) & 1) !== 0;
  switch ((code >> 1) & 7) {
    case 0:
      return (flags & flagOverflow) !== 0;
    case 1:
      return (flags & flagCarry) !== 0;
    case 2:
      return (flags & flagZero) !== 0;
    case 3:
      return (flags & (flagCarry | flagZero)) !== 0;
    case 4:
      return (flags & flagSign) !== 0;
    case 5:
      return (flags & flagParity) !== 0;
    case 6:
      return less;
    default:
      return less || (flags & flagZero) !== 0;
  }
}

/** Whether condition code `code` (opcode bits [3:0] of Jcc, SETcc, CMOVcc) holds (APM vol. 3 §1.2, Jcc). */
export function condition(code: u8, rflags: u64): boolean {
  return evenCondition(code, u32(rflags)) !== ((code & 1) !== 0);
}
