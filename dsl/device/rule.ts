/** Rules between rows of tables, as data: a bit of a CPUID leaf that promises rows, and the rows that it promises. */
import type { Device } from "./device.ts";
import { DeclarationError, remember } from "./place.ts";

/** A bit says that rows are there: both, or neither. */
export interface Rule {
  /** `leaf.register.field`. */
  readonly bit: string;
  /** Names of registers and hypercalls. */
  readonly rows: readonly string[];
}

/** Declares that a field of a leaf is 1 where these rows are declared, and 0 where none of them is. */
export function rule(bit: string, ...rows: readonly string[]): Rule {
  return remember(Object.freeze({ bit, rows: Object.freeze([...rows]) }));
}

/** Checks that the devices of an interface keep its rules. Throws DeclarationError where one promises what another has not. */
export function checkRules(
  interfaceName: string,
  rules: readonly Rule[],
  devices: readonly Pick<Device, "model">[],
): void {
  const rows = new Set(
    devices.flatMap(({ model }) => [...model.registers, ...model.hypercalls].map(({ name }) => name)),
  );
  const leaves = devices.flatMap(({ model }) => model.leaves);
  for (const one of rules) {
    const [leafName, register, fieldName] = one.bit.split(".");
    const field = leaves
      .find((l) => l.name === leafName)
      ?.fields.find((f) => f.register === register && f.name === fieldName);
    if (field === undefined)
      throw new DeclarationError(`${interfaceName}: a rule speaks of ${one.bit}, which no leaf has`, one);
    const promised = BigInt(field.reads) !== 0n;
    for (const name of one.rows) {
      if (promised && !rows.has(name))
        throw new DeclarationError(
          `${interfaceName}: ${one.bit} promises ${name}, which is not declared`,
          one,
        );
      if (!promised && rows.has(name))
        throw new DeclarationError(`${interfaceName}: ${name} needs ${one.bit}, which is 0`, one);
    }
  }
}
