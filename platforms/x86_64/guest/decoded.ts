/**
 * Decoded instructions, kept with their bytes. Decoding depends on the bytes and the mode alone, so an instruction whose
 * bytes are still the same need not be decoded again, whatever else the guest has changed.
 */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { CodeBytes, Instruction } from "../decode/operation.ts";

/** Instructions that a vCPU keeps. */
export const decodedCount = 16;

/** One instruction. */
export const Decoded = struct("Decoded", {
  code: CodeBytes,
  instruction: Instruction,
  /** The mode in which all 15 bytes of `code` gave `instruction`, plus 1; 0: nothing is known. */
  knownIn: u8,
});
export type Decoded = ValueOf<typeof Decoded>;

/** Which of a vCPU's instructions one at a linear address is kept as. */
export function decodedIndex(linear: u64): u32 {
  const low = u32(linear);
  return (low ^ (low >>> 4)) & (decodedCount - 1);
}
