/** Integer arithmetic with its flags (APM vol. 1 §3.1.4). Operands and results are zero-extended from `width` bytes. */
import { i64, u32, u64, type u8 } from "../../../dsl/core/int.ts";
import { Operation } from "./operation.ts";
import { maskOf, signExtend64 } from "./register-file.ts";

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

/**
 * The result and flags of `add` to `cmp`, `test`, `inc`, `dec` and `neg`; of the last three `b` is ignored. Any other
 * operation compares. `carry` is CF before, 0 or 1.
 */
export function compute(operation: u8, a: u64, b: u64, carry: u8, width: u8): Computed {
  const mask = maskOf(width);
  if (
    operation === Operation.and ||
    operation === Operation.test ||
    operation === Operation.or ||
    operation === Operation.xor
  ) {
    const value =
      operation === Operation.or ? u64(a | b) : operation === Operation.xor ? u64(a ^ b) : u64(a & b);
    return { value, flags: resultFlags(value, width) };
  }
  const steps = operation === Operation.inc || operation === Operation.dec;
  const adds = operation === Operation.add || operation === Operation.adc || operation === Operation.inc;
  const left = operation === Operation.neg ? 0n : a;
  const right = operation === Operation.neg ? a : steps ? 1n : b;
  const carryIn = operation === Operation.adc || operation === Operation.sbb ? BigInt(carry) : 0n;
  const value = u64((adds ? u64(left + right + carryIn) : u64(left - right - carryIn)) & mask);
  // A sum wrapped where it is below an operand, a difference where the subtrahend is above; with a carry in, equal ones count too.
  const low = adds ? value : left;
  const high = adds ? left : right;
  const carryOut = steps ? carry !== 0 : low < high || (carryIn !== 0n && low === high);
  const overflow = adds ? u64((left ^ value) & (right ^ value)) : u64((left ^ right) & (left ^ value));
  const auxiliary = u32((left ^ right ^ value) & BigInt(flagAuxiliary));
  return {
    value,
    flags: u32(
      resultFlags(value, width) | (carryOut ? flagCarry : 0) | auxiliary | (signOf(overflow, width) << 11),
    ),
  };
}

/**
 * The result and flags of `rol`, `ror`, `shl`, `sal`, `shr` and `sar` by the low bits of `count`. `before` are the
 * arithmetic flags before: a count of 0 leaves them all, a rotation all but CF and OF. OF is defined for a count of 1.
 */
export function shift(operation: u8, a: u64, count: u32, before: u32, width: u8): Computed {
  const bits = 8 * width;
  const by = count & (width === 8 ? 63 : 31);
  if (by === 0) return { value: a, flags: before };
  const mask = maskOf(width);
  if (operation === Operation.rol || operation === Operation.ror) {
    const left = (operation === Operation.rol ? by : bits - by) & (bits - 1) & 63;
    const right = (bits - left) & (bits - 1) & 63;
    const value = left === 0 ? a : u64((u64(a << BigInt(left)) | (a >> BigInt(right))) & mask);
    const top = signOf(value, width);
    const carry = operation === Operation.rol ? u32(value & 1n) : top;
    const other = operation === Operation.rol ? top : signOf(u64(value << 1n), width);
    return { value, flags: u32((before & ~(flagCarry | flagOverflow)) | carry | ((other ^ carry) << 11)) };
  }
  const right = operation === Operation.shr || operation === Operation.sar;
  const from = operation === Operation.sar ? u64(signExtend64(a, width)) : a;
  // What is shifted in from above is the sign for SAR: shift the signed value, of which 64 bits are enough.
  const shifted =
    operation === Operation.sar
      ? u64(i64(from) >> BigInt(by))
      : right
        ? u64(from >> BigInt(by))
        : u64(from << BigInt(by));
  const value = u64(shifted & mask);
  const last = right ? by - 1 : bits - by;
  const source =
    operation === Operation.sar ? u64(i64(from) >> BigInt(last & 63)) : u64(from >> BigInt(last & 63));
  const carry = last >= 0 ? u32(source & 1n) : 0;
  const overflow = operation === Operation.sar ? 0 : signOf(a, width) ^ signOf(value, width);
  return { value, flags: u32(resultFlags(value, width) | carry | (overflow << 11)) };
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
