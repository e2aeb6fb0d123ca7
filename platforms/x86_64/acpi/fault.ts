/** What is wrong with the host's ACPI tables: kept until it can be said, because nothing may be trusted after it. */
import { u32 } from "../../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";

/** Kinds of damage. */
export enum AcpiDamage {
  none = 0,
  /** The table is not in memory that the firmware describes. */
  outsideMemory = 1,
  /** The length in the header is less than the table's fixed part. */
  tooShort = 2,
  /** The bytes do not add up to 0. */
  checksum = 3,
  /** An entry ends beyond the table, or has no length. */
  badEntry = 4,
  /** The firmware's list does not name a table that every machine has. */
  missing = 5,
  /** The signature is another one. */
  signature = 6,
  /** A field holds what it cannot hold. */
  badField = 7,
}

const Fault = struct("AcpiFault", { table: u32, damage: u32, offset: u32 });
export type AcpiFault = ValueOf<typeof Fault>;
/** The first damage found, if any. */
export const acpiFault = storage("acpiFault", Fault);

/** A table's signature as the little-endian word at its start. Build time only. */
export function signature(name: string): u32 {
  return u32(
    name.charCodeAt(0) +
      name.charCodeAt(1) * 0x100 +
      name.charCodeAt(2) * 0x1_0000 +
      name.charCodeAt(3) * 0x100_0000,
  );
}

/** Notes a damage, unless one was noted before. Always false, so that a parser can return it. */
export function damaged(table: u32, damage: u32, offset: u32): boolean {
  if (acpiFault.damage === AcpiDamage.none) {
    acpiFault.table = table;
    acpiFault.damage = damage;
    acpiFault.offset = offset;
  }
  return false;
}

/** Forgets what was noted. */
export function clearFault(): void {
  acpiFault.table = 0;
  acpiFault.damage = AcpiDamage.none;
  acpiFault.offset = 0;
}
