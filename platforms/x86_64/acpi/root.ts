/** The way from the RSDP to a table (ACPI 6.5 §5.2.5, §5.2.7, §5.2.8). */
import { load32, load64, load8 } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { bool, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import type { BootInfo } from "../../../kernel/boot.ts";
import { isDescribed } from "../memory-map.ts";
import { AcpiDamage, damaged, signature } from "./fault.ts";
import { headerBytes, sumsToZero, tableLength } from "./table.ts";

const rsdpName = signature("RSDP");
const rsdtName = signature("RSDT");
const xsdtName = signature("XSDT");
/** "RSD PTR " */
const rsdpSignature = 0x2052_5450_2044_5352n;
/** More tables than any machine has. */
const maxTables = 512;

/** The list of tables, RSDT or XSDT. */
export const RootTable = struct("AcpiRoot", { address: u64, count: u32, wide: bool });
export type RootTable = ValueOf<typeof RootTable>;

/** Finds and checks the list of tables. False: the damage is noted. */
export function openRoot(root: RootTable, boot: BootInfo, rsdp: u64): boolean {
  if (!isDescribed(boot, rsdp, 20n)) return damaged(rsdpName, AcpiDamage.outsideMemory, 0);
  if (load64(rsdp) !== rsdpSignature) return damaged(rsdpName, AcpiDamage.signature, 0);
  if (!sumsToZero(rsdp, 20)) return damaged(rsdpName, AcpiDamage.checksum, 8);
  let list: u64 = BigInt(load32(u64(rsdp + 16n)));
  root.wide = false;
  if (load8(u64(rsdp + 15n)) >= 2) {
    if (!isDescribed(boot, rsdp, 36n)) return damaged(rsdpName, AcpiDamage.outsideMemory, 20);
    const bytes = load32(u64(rsdp + 20n));
    if (bytes < 36) return damaged(rsdpName, AcpiDamage.tooShort, 20);
    if (bytes > 4096 || !isDescribed(boot, rsdp, BigInt(bytes)))
      return damaged(rsdpName, AcpiDamage.outsideMemory, 20);
    if (!sumsToZero(rsdp, bytes)) return damaged(rsdpName, AcpiDamage.checksum, 32);
    const wide = load64(u64(rsdp + 24n));
    if (wide !== 0n) {
      list = wide;
      root.wide = true;
    }
  }
  const bytes = tableLength(boot, list, root.wide ? xsdtName : rsdtName, headerBytes);
  if (bytes === 0) return false;
  root.address = u64(list + BigInt(headerBytes));
  root.count = u32((bytes - headerBytes) >>> (root.wide ? 3 : 2));
  return true;
}

/** Address of the first table with a signature; 0 where the list has none. Entries outside memory are passed over. */
export function findTable(root: RootTable, boot: BootInfo, name: u32): u64 {
  for (let i = 0; i < maxTables; i++) {
    if (i >= root.count) break;
    const entry = root.wide
      ? load64(u64(root.address + BigInt(8 * i)))
      : BigInt(load32(u64(root.address + BigInt(4 * i))));
    if (isDescribed(boot, entry, BigInt(headerBytes)) && load32(entry) === name) return entry;
  }
  return 0n;
}
