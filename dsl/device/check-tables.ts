/** What tables of MSRs, CPUID leaves and hypercalls must obey. Every refusal names all declarations that take part. */
import type { AnyBank } from "./bank.ts";
import type { AnyBehaviour } from "./behaviour.ts";
import type { HypercallRecord } from "./hypercall.ts";
import type { LeafRecord } from "./leaf.ts";
import { DeclarationError } from "./place.ts";

/** The tables of a device beside its banks. */
export interface Tables {
  readonly leaves: LeafRecord;
  readonly hypercalls: HypercallRecord;
}

/** Registers of the local APIC that may have a second MSR: TPR, EOI, ICR (Intel SDM vol. 3 table 11-6). */
const apicRegisters: readonly number[] = [0x08, 0x0b, 0x30];

type Banks = Readonly<Record<string, AnyBank>>;

/** Checks banks of MSRs, and what only they may have. Throws DeclarationError. */
function checkMsrs(device: string, banks: Banks): void {
  for (const [name, bank] of Object.entries(banks)) {
    const isMsr = bank.options.space === "msr";
    if (isMsr && (bank.unit.bits !== 64 || bank.indirection !== undefined || bank.overlay))
      throw new DeclarationError(`${device}.${name}: MSRs have 64 bits, and lie in a bank of u64`, bank);
    for (const entry of bank.entries) {
      const { apic } = entry.register;
      if (
        apic !== undefined &&
        (!isMsr || entry.register.many || (entry.register.access === "wo") !== (apic === 0x0b))
      )
        throw new DeclarationError(
          `${device}.${entry.name}: only a single MSR is another way to a register of the local APIC, and only its EOI register is write-only`,
          entry.register,
        );
      if (apic !== undefined && !apicRegisters.includes(apic))
        throw new DeclarationError(
          `${device}.${entry.name}: EOI, ICR and TPR of the local APIC can be reached in other ways, not 0x${apic.toString(16)}`,
          entry.register,
        );
      for (const field of Object.values(entry.register.fields)) {
        if (!isMsr && field.wrongWrite === "refuse") {
          throw new DeclarationError(
            `${device}.${entry.name}: only a write of an MSR can be refused`,
            field,
            entry.register,
          );
        }
      }
    }
  }
}

function checkNumbers<T extends object>(
  device: string,
  what: string,
  rows: readonly (readonly [string, T])[],
  number: (row: T) => number,
): void {
  rows.forEach(([name, row], i) => {
    const other = rows.slice(0, i).find(([, r]) => number(r) === number(row));
    if (other === undefined) return;
    throw new DeclarationError(
      `${device}: ${what} ${name} has the number 0x${number(row).toString(16)}, as ${other[0]} has`,
      row,
      other[1],
    );
  });
}

/** Checks the tables of a shape. Throws DeclarationError. */
export function checkTables(device: string, banks: Banks, tables: Tables): void {
  checkMsrs(device, banks);
  checkNumbers(device, "leaf", Object.entries(tables.leaves), (l) => l.number);
  checkNumbers(device, "hypercall", Object.entries(tables.hypercalls), (h) => h.code);
  const registers = Object.values(banks).flatMap((b) =>
    b.entries.map((e) => [e.name, e.register] as readonly [string, object]),
  );
  const rows = new Map<string, object>(registers);
  for (const [name, call] of Object.entries(tables.hypercalls)) {
    const other = rows.get(name);
    if (other !== undefined)
      throw new DeclarationError(`${device}: ${name} is both a register and a hypercall`, call, other);
    rows.set(name, call);
  }
}

/** Checks the handlers of hypercalls and of refusals against the shape. Throws DeclarationError. */
export function checkTableBehaviour(
  device: string,
  banks: Banks,
  hypercalls: HypercallRecord,
  behaviour: AnyBehaviour,
): void {
  for (const name of Object.keys(behaviour.hypercall ?? {})) {
    if (hypercalls[name] === undefined)
      throw new DeclarationError(
        `${device}: hypercall.${name} handles a hypercall that is not there`,
        behaviour,
      );
  }
  for (const [name, call] of Object.entries(hypercalls)) {
    if (behaviour.hypercall?.[name] === undefined)
      throw new DeclarationError(`${device}: the hypercall ${name} needs hypercall.${name}`, behaviour, call);
  }
  for (const name of Object.keys(behaviour.accepts ?? {})) {
    const bank = Object.values(banks).find((b) => b.entries.some((e) => e.name === name));
    const register = bank?.entries.find((e) => e.name === name)?.register;
    if (bank === undefined || register === undefined)
      throw new DeclarationError(
        `${device}: accepts.${name} handles a register that is not there`,
        behaviour,
      );
    if (bank.options.space !== "msr" || register.access === "ro") {
      throw new DeclarationError(
        `${device}: accepts.${name} refuses writes, and ${register.access === "ro" ? "no guest can write it" : "only a write of an MSR can be refused"}`,
        behaviour,
        register,
      );
    }
  }
}
