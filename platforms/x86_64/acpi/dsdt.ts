/**
 * The sleep types of S5 from the DSDT. There is no AML interpreter here: firmware declares `\_S5` as a package of
 * constants, `Name (_S5_, Package () { … })`, and that byte pattern is looked for (ACPI 6.5 §7.4.2, §20.2).
 */
import { load32, load8 } from "../../../dsl/core/intrinsics.ts";
import { u64, u8, type u32 } from "../../../dsl/core/int.ts";
import type { BootInfo } from "../../../kernel/boot.ts";
import { signature } from "./fault.ts";
import { headerBytes, tableLength } from "./table.ts";
import type { HostAcpi } from "./host-acpi.ts";

const dsdtName = signature("DSDT");
const s5Name = signature("_S5_");
const nameOp = 0x08;
const rootChar = 0x5c;
const packageOp = 0x12;
const bytePrefix = 0x0a;
const zeroOp = 0x00;
const oneOp = 0x01;

/** Bytes of the longest form that is read: name, package, length of up to 4, count, two constants. */
const patternBytes: u32 = 14;

/** Looks for the sleep types; a DSDT without them leaves `s5Known` false. False: the table is damaged. */
export function readSleepTypes(acpi: HostAcpi, boot: BootInfo, dsdt: u64): boolean {
  const bytes = tableLength(boot, dsdt, dsdtName, headerBytes);
  if (bytes === 0) return false;
  acpi.s5Known = false;
  const last = bytes - patternBytes;
  for (let i: u32 = headerBytes + 2; i <= last; i++) {
    if (load32(u64(dsdt + BigInt(i))) !== s5Name) continue;
    if (readPackage(acpi, dsdt, i)) return true;
  }
  return true;
}

/** Reads the package behind the name at `offset`. False: it is something else. */
function readPackage(acpi: HostAcpi, dsdt: u64, offset: u32): boolean {
  const name = u64(dsdt + BigInt(offset));
  const before = load8(u64(name - 1n));
  const isName = before === nameOp || (before === rootChar && load8(u64(name - 2n)) === nameOp);
  if (!isName || load8(u64(name + 4n)) !== packageOp) return false;
  // PkgLength: the top two bits of its first byte count the bytes that follow.
  const extra = load8(u64(name + 5n)) >> 6;
  const count = u64(name + 6n + BigInt(extra));
  if (load8(count) < 2) return false;
  const first = constantAt(u64(count + 1n));
  const second = constantAt(u64(count + 1n + BigInt(first.bytes)));
  if (first.bytes === 0 || second.bytes === 0) return false;
  acpi.s5a = u8(first.value & 7);
  acpi.s5b = u8(second.value & 7);
  acpi.s5Known = true;
  return true;
}

/** A constant of AML in one byte or two; `bytes` 0 where it is something else. */
function constantAt(address: u64): { value: u8; bytes: u8 } {
  const operation = load8(address);
  if (operation === zeroOp || operation === oneOp) return { value: operation, bytes: 1 };
  if (operation === bytePrefix) return { value: load8(u64(address + 1n)), bytes: 2 };
  return { value: 0, bytes: 0 };
}
