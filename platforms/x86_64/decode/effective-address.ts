/** Addresses of memory operands (APM vol. 1 §2.2, vol. 3 §1.4 to §1.7). */
import { i64, u64, u8 } from "../../../dsl/core/int.ts";
import { array, struct, type FixedArray, type ValueOf } from "../../../dsl/core/layout.ts";
import { baseRip, Form, Mode, Operation, Segment, type Instruction } from "./operation.ts";
import { maskOf, readRegister, signExtend64 } from "./register-file.ts";

/** What addressing needs of the guest's segment registers. */
export const Segmentation = struct("Segmentation", {
  /** Bases by `Segment`. */
  base: array(u64, 6),
  /** Size of the stack pointer in bytes: 8 in 64-bit mode, else 4 or 2 by SS.B. */
  stackSize: u8,
});
export type Segmentation = ValueOf<typeof Segmentation>;

/** The linear address of an offset in a segment. In 64-bit mode only FS and GS have a base. */
export function linearAddress(segmentation: Segmentation, mode: u8, segment: u8, offset: u64): u64 {
  if (mode === Mode.bits64) {
    if (segment === Segment.fs) return u64(segmentation.base[4] + offset);
    if (segment === Segment.gs) return u64(segmentation.base[5] + offset);
    return offset;
  }
  return u64((segmentation.base[Math.min(segment, Segment.gs)] + offset) & 0xffff_ffffn);
}

/**
 * The offset of the ModRM or absolute memory operand within its segment, cut to the address size. `nextRip` is the
 * address of the next instruction. A bit-string operation with its bit number in a register reaches the element that
 * holds the bit, before or after the operand (APM vol. 3, BT).
 */
export function effectiveOffset(instruction: Instruction, gpr: FixedArray<u64>, nextRip: u64): u64 {
  const base = instruction.base;
  const index = instruction.index;
  let offset = instruction.displacement;
  if (base < 16) offset = u64(offset + gpr[base]);
  else if (base === baseRip) offset = u64(offset + nextRip);
  if (index < 16) offset = u64(offset + u64(gpr[index] << BigInt(instruction.scale & 3)));
  const operation = instruction.operation;
  if (operation >= Operation.bt && operation <= Operation.btc && instruction.form === Form.rmReg) {
    const width = instruction.width;
    const bit = signExtend64(readRegister(gpr, instruction.reg, width, instruction.rex), width);
    // Elements are as wide as the operand: 16, 32 or 64 bits.
    const element = i64(bit >> (width === 8 ? 6n : width === 4 ? 5n : 4n));
    offset = u64(offset + u64(element * BigInt(width)));
  }
  return u64(offset & maskOf(instruction.addressSize));
}
