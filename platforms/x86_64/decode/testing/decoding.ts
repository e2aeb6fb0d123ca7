/** Decoding in tests: one buffer and one instruction, reused. */
import { make } from "../../../../dsl/core/layout.ts";
import { decode } from "../decode.ts";
import { CodeBytes, Instruction, type DecodeResult, type Mode } from "../operation.ts";

const code = make(CodeBytes);
const instruction = make(Instruction);

/**
 * Decodes `bytes`, of which the first 15 count; the instruction is overwritten by the next call. `beyond` stands where
 * nothing was fetched and must not matter.
 */
export function decodeBytes(
  bytes: readonly number[],
  mode: Mode,
  beyond = 0xcc,
): { readonly result: DecodeResult; readonly instruction: Instruction } {
  const length = Math.min(bytes.length, 15);
  for (let i = 0; i < 40; i++) code.bytes[i] = i < length ? bytes[i]! : beyond;
  code.length = length;
  return { result: decode(code, mode, instruction), instruction };
}

/** Bytes as manuals print them. */
export function hex(bytes: readonly number[]): string {
  return bytes.map((b) => b.toString(16).padStart(2, "0")).join(" ");
}
