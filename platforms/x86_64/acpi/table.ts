/** Access to one ACPI table, never beyond memory that the firmware describes (ACPI 6.5 §5.2.6). */
import { load32, load8 } from "../../../dsl/core/intrinsics.ts";
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { BootInfo } from "../../../kernel/boot.ts";
import { isDescribed } from "../memory-map.ts";
import { AcpiDamage, damaged } from "./fault.ts";

/** Bytes of the header that all tables but RSDP and FACS begin with. */
export const headerBytes: u32 = 36;
/** Longer than any table; bounds every walk. */
const maxTableBytes = 0x100_0000;

/** Whether the bytes at an address add up to 0 modulo 256. */
export function sumsToZero(address: u64, bytes: u32): boolean {
  let sum = 0;
  for (let i = 0; i < bytes; i++) sum = u8(sum + load8(u64(address + BigInt(i))));
  return sum === 0;
}

/**
 * Length in bytes of the table at an address, if it lies in described memory, holds at least `least` bytes, has the
 * signature `name` and the right checksum. Otherwise 0, and the damage is noted.
 */
export function tableLength(boot: BootInfo, address: u64, name: u32, least: u32): u32 {
  if (!isDescribed(boot, address, BigInt(headerBytes))) {
    damaged(name, AcpiDamage.outsideMemory, 0);
    return 0;
  }
  if (load32(address) !== name) {
    damaged(name, AcpiDamage.signature, 0);
    return 0;
  }
  const bytes = load32(u64(address + 4n));
  if (bytes < least || bytes < headerBytes) {
    damaged(name, AcpiDamage.tooShort, 4);
    return 0;
  }
  if (bytes > maxTableBytes || !isDescribed(boot, address, BigInt(bytes))) {
    damaged(name, AcpiDamage.outsideMemory, 4);
    return 0;
  }
  if (!sumsToZero(address, bytes)) {
    damaged(name, AcpiDamage.checksum, 9);
    return 0;
  }
  return bytes;
}
