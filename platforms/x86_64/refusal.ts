/** Sentences for a start that is refused: on the firmware's console and on the serial one, in the operator's words. */
import { u32, u64 } from "../../dsl/core/int.ts";
import { AcpiDamage, acpiFault } from "./acpi/fault.ts";
import { say, sayByte, sayDecimal, sayOnFirmwareConsole } from "./console-text.ts";

/** Begins the sentence. */
export function beginRefusal(): void {
  sayOnFirmwareConsole(true);
  say("\ntypevisor cannot start: ");
}

/** Ends the sentence. */
export function endRefusal(): void {
  say("\n");
  sayOnFirmwareConsole(false);
}

/** A whole sentence. */
export function refuse(reason: string): void {
  beginRefusal();
  say(reason);
  endRefusal();
}

/** Names the damaged table and what is wrong with it. */
export function refuseAcpi(): void {
  beginRefusal();
  say("the firmware's ACPI table ");
  for (let i = 0; i < 4; i++) sayByte((acpiFault.table >>> (8 * i)) & 0xff);
  sayDamage(acpiFault.damage);
  say(" (at offset ");
  sayDecimal(BigInt(acpiFault.offset));
  say(")");
  endRefusal();
}

function sayDamage(damage: u32): void {
  switch (damage) {
    case AcpiDamage.outsideMemory:
      say(" is not in memory that the firmware describes");
      break;
    case AcpiDamage.tooShort:
      say(" is shorter than its fields");
      break;
    case AcpiDamage.checksum:
      say(" has a wrong checksum");
      break;
    case AcpiDamage.badEntry:
      say(" holds an entry that does not fit");
      break;
    case AcpiDamage.missing:
      say(" is missing, or names nothing");
      break;
    case AcpiDamage.signature:
      say(" has the signature of another");
      break;
    default:
      say(" holds a value that cannot be");
      break;
  }
}

/** Says a number of bytes in MiB, rounded up. */
export function sayMebibytes(bytes: u64): void {
  sayDecimal(u64((bytes + 0xf_ffffn) >> 20n));
  say(" MiB");
}
