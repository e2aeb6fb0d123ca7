/** The firmware's configuration tables: where the ACPI root pointer is found (UEFI §4.6, ACPI §5.2.5.2). */
import { viewOf } from "../../../dsl/core/intrinsics.ts";
import { array } from "../../../dsl/core/layout.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { firmware } from "./firmware.ts";
import { guidWords } from "./guid.ts";
import { ConfigurationTable, SystemTable } from "./tables.ts";

const acpi2 = guidWords("8868e871-e4f1-11d3-bc22-0080c73c8881");
const acpi1 = guidWords("eb9d2d30-2d88-11d3-9a16-0090273fc14d");

/** More tables than any firmware has: a count beyond it is taken for damage. */
const maxTables = 256;
const Tables = array(ConfigurationTable, maxTables);

/** Address of the ACPI RSDP, the one for ACPI 2.0 where there are both; 0 where the firmware has none. */
export function findRsdp(): u64 {
  const system = viewOf(SystemTable, firmware.systemTable);
  return rsdpAmong(system.configurationTables, system.tableCount);
}

/** As `findRsdp`, among `count` tables at an address. */
export function rsdpAmong(address: u64, count: u64): u64 {
  const tables = viewOf(Tables, address);
  let found: u64 = 0n;
  for (let i = 0; i < maxTables; i++) {
    if (BigInt(i) >= count) break;
    const table = tables[i];
    if (table.guidLow === acpi2.low && table.guidHigh === acpi2.high) return table.table;
    if (table.guidLow === acpi1.low && table.guidHigh === acpi1.high) found = table.table;
  }
  return found;
}
