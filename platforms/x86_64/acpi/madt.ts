/** The MADT: local APICs, I/O APICs and how ISA interrupts are wired (ACPI 6.5 §5.2.12). */
import { load16, load32, load64, load8 } from "../../../dsl/core/intrinsics.ts";
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { maxCpus, type BootInfo } from "../../../kernel/boot.ts";
import { AcpiDamage, damaged, signature } from "./fault.ts";
import { maxIoApics, type HostAcpi } from "./host-acpi.ts";
import { tableLength } from "./table.ts";

export const madtName = signature("APIC");

const fixedBytes: u32 = 44;
const legacyPics = 1;
const enabled = 1;
/** Entries before a table is taken for damaged. */
const maxEntries = 4096;

/** Bytes that an entry of a type must have for its fields; 2 for the types that are passed over. */
function leastBytes(type: u8): u32 {
  switch (type) {
    case 0:
      return 8;
    case 1:
      return 12;
    case 2:
      return 10;
    case 5:
      return 12;
    case 9:
      return 16;
    default:
      return 2;
  }
}

/** Reads the MADT at an address. False: the damage is noted. */
export function readMadt(acpi: HostAcpi, boot: BootInfo, table: u64): boolean {
  const bytes = tableLength(boot, table, madtName, fixedBytes);
  if (bytes === 0) return false;
  acpi.localApic = BigInt(load32(u64(table + 36n)));
  acpi.legacyPics = (load32(u64(table + 40n)) & legacyPics) !== 0;
  acpi.ioApicCount = 0;
  acpi.cpuCount = 0;
  for (let i = 0; i < 16; i++) {
    acpi.isa[i].gsi = i;
    acpi.isa[i].flags = 0;
  }
  let offset: u32 = fixedBytes;
  for (let i = 0; i < maxEntries; i++) {
    if (offset === bytes) return acpi.cpuCount > 0 ? true : damaged(madtName, AcpiDamage.missing, fixedBytes);
    if (offset + 2 > bytes) return damaged(madtName, AcpiDamage.badEntry, offset);
    const entry = u64(table + BigInt(offset));
    const length = load8(u64(entry + 1n));
    if (offset + length > bytes || length < leastBytes(load8(entry)))
      return damaged(madtName, AcpiDamage.badEntry, offset);
    readEntry(acpi, entry);
    offset = u32(offset + length);
  }
  return damaged(madtName, AcpiDamage.badEntry, offset);
}

function readEntry(acpi: HostAcpi, entry: u64): void {
  switch (load8(entry)) {
    case 0: // processor local APIC
      addCpu(acpi, load8(u64(entry + 3n)), load32(u64(entry + 4n)));
      break;
    case 1: {
      // I/O APIC
      const count = acpi.ioApicCount;
      if (count < maxIoApics) {
        const ioApic = acpi.ioApics[count];
        ioApic.id = load8(u64(entry + 2n));
        ioApic.address = BigInt(load32(u64(entry + 4n)));
        ioApic.gsiBase = load32(u64(entry + 8n));
        acpi.ioApicCount = count + 1;
      }
      break;
    }
    case 2: {
      // interrupt source override, bus 0 is ISA
      const source = load8(u64(entry + 3n));
      if (load8(u64(entry + 2n)) === 0 && source < 16) {
        acpi.isa[source].gsi = load32(u64(entry + 4n));
        acpi.isa[source].flags = u16(load16(u64(entry + 8n)) & 15);
      }
      break;
    }
    case 5: // local APIC address override
      acpi.localApic = load64(u64(entry + 4n));
      break;
    case 9: // processor local x2APIC
      addCpu(acpi, load32(u64(entry + 4n)), load32(u64(entry + 8n)));
      break;
    default:
      break;
  }
}

/** Adds a CPU with the flags of its entry, unless it is neither there nor can ever be (ACPI 6.5 §5.2.12.2). */
export function addCpu(acpi: HostAcpi, apicId: u32, flags: u32): void {
  // An entry for no CPU, as firmware leaves for sockets that do not exist.
  if (apicId === 0xffff_ffff || (flags & 3) === 0) return;
  const count = acpi.cpuCount;
  if (count >= maxCpus) return;
  acpi.cpus[count].apicId = apicId;
  acpi.cpus[count].enabled = (flags & enabled) !== 0;
  acpi.cpuCount = count + 1;
}
