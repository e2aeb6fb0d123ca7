/** Capabilities that tell a driver where the structures of a virtio device lie (virtio 1.2 §4.1.4). */
import { bits, constant, ro, rw } from "../../dsl/device/vocabulary.ts";
import { vendorSpecific, type Capability } from "../pci/capability.ts";

/** The capability through which a driver reaches what lies behind the base address without mapping it (§4.1.4.9). */
export const configurationAccess: Capability = {
  name: "accessStructure",
  id: vendorSpecific,
  sizeBytes: 20,
  fields: { length: constant(bits(23, 16), 20), type: constant(bits(31, 24), 5) },
  registers: {
    accessBar: rw(4, { bar: bits(7, 0) }),
    accessOffset: rw(8),
    accessLength: rw(12),
    accessData: rw(16),
  },
};

/** A capability that tells where a structure lies (§4.1.4); that of notifications has a multiplier. */
export function structure(
  name: string,
  type: number,
  offset: number,
  bytes: number,
  multiplier?: number,
): Capability {
  const words = {
    Bar: 0,
    Offset: offset,
    Length: bytes,
    ...(multiplier === undefined ? {} : { Multiplier: multiplier }),
  };
  const registers = Object.entries(words).map(
    ([word, value], i) => [`${name}${word}`, ro(4 + 4 * i, {}, { reset: value })] as const,
  );
  const sizeBytes = 4 + 4 * registers.length;
  return {
    name,
    id: vendorSpecific,
    sizeBytes,
    fields: { length: constant(bits(23, 16), sizeBytes), type: constant(bits(31, 24), type) },
    registers: Object.fromEntries(registers),
  };
}
