import type { Bits, IrType, Value } from "../ir/ir.ts";
import { i64 } from "../ir/ir.ts";
import { instantiate, type HostImports } from "./instantiate.ts";

/** Functions of two or more words, as tests call them. */
export type WordFunctions = Record<string, (...args: bigint[]) => bigint>;

/** Starts a WebAssembly module whose functions take and give words. */
export async function run(wasm: Uint8Array, imports: HostImports = {}): Promise<WordFunctions> {
  return (await instantiate(wasm, imports)).functions as WordFunctions;
}

/** An integer type. */
export const int = (bits: Bits): IrType => ({ kind: "int", bits });

/** A parameter as a value. */
export const param = (index: number, type: IrType = i64): Value => ({ kind: "param", type, index });

const interesting = [0n, 1n, 2n, 3n, 7n, 64n, 127n, 128n, 255n, 0x8000n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n];
/** Words at the edges of every width. */
export const wideInteresting = [
  ...interesting,
  0xffff_ffffn,
  1n << 63n,
  (1n << 64n) - 1n,
  0x0123_4567_89ab_cdefn,
];
