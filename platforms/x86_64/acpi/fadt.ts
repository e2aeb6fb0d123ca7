/** The FADT: fixed hardware for time and power (ACPI 6.5 §5.2.9). */
import { load32, load64, load8 } from "../../../dsl/core/intrinsics.ts";
import { u16, u32, u64 } from "../../../dsl/core/int.ts";
import type { BootInfo } from "../../../kernel/boot.ts";
import { readSleepTypes } from "./dsdt.ts";
import { AcpiDamage, damaged, signature } from "./fault.ts";
import type { HostAcpi } from "./host-acpi.ts";
import { tableLength } from "./table.ts";

export const fadtName = signature("FACP");

/** An ACPI 1.0 FADT: what every version has. */
const leastBytes = 116;
const resetSupported = 1 << 10;
const timerIsWide = 1 << 8;

/** A port address of the FADT: the extended form where the table has it and it names a port, else the old one. */
function portAt(table: u64, bytes: u32, old: u32, extended: u32): u32 {
  if (bytes >= extended + 12) {
    const address = load64(u64(table + BigInt(extended) + 4n));
    const isPort = load8(u64(table + BigInt(extended))) === 1;
    if (isPort && address !== 0n && address < 0x1_0000n) return u32(address);
  }
  return load32(u64(table + BigInt(old)));
}

/** Reads the FADT at an address, and the DSDT that it names. False: the damage is noted. */
export function readFadt(acpi: HostAcpi, boot: BootInfo, table: u64): boolean {
  const bytes = tableLength(boot, table, fadtName, leastBytes);
  if (bytes === 0) return false;
  const flags = load32(u64(table + 112n));
  const smiCommand = load32(u64(table + 48n));
  const pm1a = portAt(table, bytes, 64, 172);
  const pm1b = portAt(table, bytes, 68, 184);
  const timer = portAt(table, bytes, 76, 208);
  if (smiCommand > 0xffff) return damaged(fadtName, AcpiDamage.badField, 48);
  if (pm1a > 0xffff) return damaged(fadtName, AcpiDamage.badField, 64);
  if (pm1b > 0xffff) return damaged(fadtName, AcpiDamage.badField, 68);
  if (timer > 0xffff) return damaged(fadtName, AcpiDamage.badField, 76);
  acpi.smiCommand = u16(smiCommand);
  acpi.acpiEnable = load8(u64(table + 52n));
  acpi.pm1aControl = u16(pm1a);
  acpi.pm1bControl = u16(pm1b);
  acpi.pmTimerPort = u16(timer);
  acpi.pmTimerWide = (flags & timerIsWide) !== 0;
  if (bytes >= 129 && (flags & resetSupported) !== 0) {
    acpi.resetSpace = load8(u64(table + 116n));
    acpi.resetAddress = load64(u64(table + 120n));
    acpi.resetValue = load8(u64(table + 128n));
    const isPort = acpi.resetSpace === 1 && acpi.resetAddress < 0x1_0000n;
    // Other spaces (PCI configuration) are left to the ports that every PC has.
    if (!isPort) acpi.resetAddress = 0n;
  }
  let dsdt: u64 = BigInt(load32(u64(table + 40n)));
  if (bytes >= 148 && load64(u64(table + 140n)) !== 0n) dsdt = load64(u64(table + 140n));
  return dsdt === 0n ? true : readSleepTypes(acpi, boot, dsdt);
}

/** Whether the firmware has not yet handed the fixed hardware over: SCI_EN in PM1 control (§4.8.3.2.1). */
export function needsAcpiEnable(acpi: HostAcpi, pm1Control: u16): boolean {
  return acpi.smiCommand !== 0 && acpi.acpiEnable !== 0 && (pm1Control & 1) === 0;
}
