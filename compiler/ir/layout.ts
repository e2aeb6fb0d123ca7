import type { IrType } from "./ir.ts";

/** Bytes that a value of a type takes in memory: i1 takes one, a pointer eight on every target, a record has none. */
export function memoryBytes(type: IrType): number {
  if (type.kind === "ptr") return 8;
  if (type.kind === "int") return type.bits === 1 ? 1 : type.bits / 8;
  throw new Error("a record has no form in memory");
}
