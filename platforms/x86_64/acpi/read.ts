/** All of the host's ACPI tables that the host side needs, read once while the firmware can still be returned to. */
import { load64, load8 } from "../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { BootInfo } from "../../../kernel/boot.ts";
import { fadtName, readFadt } from "./fadt.ts";
import { AcpiDamage, clearFault, damaged, signature } from "./fault.ts";
import type { HostAcpi } from "./host-acpi.ts";
import { madtName, readMadt } from "./madt.ts";
import { findTable, openRoot, RootTable } from "./root.ts";
import { tableLength } from "./table.ts";

const hpetName = signature("HPET");
const mcfgName = signature("MCFG");
const root = storage("acpiRoot", RootTable);

/** Reads the tables that the RSDP leads to. False: they are damaged, and `acpiFault` says how. */
export function readAcpi(acpi: HostAcpi, boot: BootInfo, rsdp: u64): boolean {
  clearFault();
  acpi.present = false;
  if (!openRoot(root, boot, rsdp)) return false;
  const fadt = findTable(root, boot, fadtName);
  if (fadt === 0n) return damaged(fadtName, AcpiDamage.missing, 0);
  if (!readFadt(acpi, boot, fadt)) return false;
  const madt = findTable(root, boot, madtName);
  if (madt === 0n) return damaged(madtName, AcpiDamage.missing, 0);
  if (!readMadt(acpi, boot, madt)) return false;
  if (!readHpet(acpi, boot) || !readMcfg(acpi, boot)) return false;
  acpi.present = true;
  return true;
}

/** HPET description table (IA-PC HPET specification §3.2.4); machines may lack it. */
function readHpet(acpi: HostAcpi, boot: BootInfo): boolean {
  const table = findTable(root, boot, hpetName);
  acpi.hpetAddress = 0n;
  if (table === 0n) return true;
  if (tableLength(boot, table, hpetName, 56) === 0) return false;
  const isMemory = load8(u64(table + 40n)) === 0;
  if (isMemory) acpi.hpetAddress = load64(u64(table + 44n));
  return true;
}

/** MCFG (PCI firmware specification §4.1.2); only segment 0 is taken, which is the first entry on every PC. */
function readMcfg(acpi: HostAcpi, boot: BootInfo): boolean {
  const table = findTable(root, boot, mcfgName);
  acpi.ecamAddress = 0n;
  if (table === 0n) return true;
  const bytes = tableLength(boot, table, mcfgName, 44);
  if (bytes === 0) return false;
  if (bytes < 60) return true;
  acpi.ecamAddress = load64(u64(table + 44n));
  acpi.ecamFirstBus = load8(u64(table + 54n));
  acpi.ecamLastBus = load8(u64(table + 55n));
  return acpi.ecamLastBus >= acpi.ecamFirstBus ? true : damaged(mcfgName, AcpiDamage.badField, 54);
}
