/** Capabilities of a PCI function: a list of declarations that becomes a chain of registers (PCI 3.0 §6.7). */
import { DeclarationError, remember } from "../../dsl/device/place.ts";
import type { FieldRecord } from "../../dsl/device/field.ts";
import type { Register, RegisterRecord } from "../../dsl/device/register.ts";
import { bits, constant, rw } from "../../dsl/device/vocabulary.ts";

/** One capability. */
export interface Capability {
  /** Of its first register; unique in the function. */
  readonly name: string;
  /** Its identifier (PCI Code and ID Assignment §2). */
  readonly id: number;
  /** Bytes that it takes. */
  readonly sizeBytes: number;
  /** Fields in bits [31:16] of its first double word. */
  readonly fields?: FieldRecord;
  /** Its further registers; offsets count from its start. */
  readonly registers?: RegisterRecord;
}

/** The vendor-specific capability's identifier. */
export const vendorSpecific = 0x09;

/** Where the first 64 double words of configuration space end, in which capabilities lie. */
const spaceEnd = 0x100;

/** Lays capabilities out from `offset`; `first` is 0 where there is none. Throws DeclarationError where they do not fit. */
export function capabilityChain(
  list: readonly Capability[],
  offset: number,
): { readonly first: number; readonly registers: RegisterRecord } {
  const registers: Record<string, Register> = {};
  let at = offset;
  list.forEach(({ name, id, sizeBytes, fields, registers: own = {} }, i) => {
    const end = at + Math.ceil(sizeBytes / 4) * 4;
    if (end > spaceEnd)
      throw new DeclarationError(`capability ${name} ends at 0x${end.toString(16)}, behind 0x100`);
    registers[name] = rw(at, {
      capability: constant(bits(7, 0), id),
      next: constant(bits(15, 8), i + 1 < list.length ? end : 0),
      ...fields,
    });
    for (const [key, register] of Object.entries(own)) {
      if (registers[key] !== undefined)
        throw new DeclarationError(`two capability registers are called ${key}`, register);
      registers[key] = remember(Object.freeze({ ...register, offset: at + register.offset }), register);
    }
    at = end;
  });
  return { first: list.length === 0 ? 0 : offset, registers };
}
