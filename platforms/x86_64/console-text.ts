/**
 * What the host side has to say, before and beside the kernel's own notices: text, numbers and names, on the serial
 * console, and on the firmware's console too while a start is being refused.
 */
import { load8, text } from "../../dsl/core/intrinsics.ts";
import { array, bool, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { storage } from "../../dsl/core/storage.ts";
import { firmwarePut } from "./efi/console.ts";
import { serialPut } from "./serial.ts";

const Output = struct("HostOutput", { onFirmwareConsole: bool, digits: array(u8, 20) });
export type HostOutput = ValueOf<typeof Output>;
const output = storage("hostOutput", Output);

/** Says what follows on the firmware's console too; false once the firmware is gone. */
export function sayOnFirmwareConsole(on: boolean): void {
  output.onFirmwareConsole = on;
}

/** Says one byte; a line feed gets its carriage return. */
export function sayByte(byte: u8): void {
  if (byte === 0x0a) {
    serialPut(0x0d);
    if (output.onFirmwareConsole) firmwarePut(0x0d);
  }
  serialPut(byte);
  if (output.onFirmwareConsole) firmwarePut(byte);
}

/** Says bytes that lie in memory. */
export function sayBytes(address: u64, length: u32): void {
  for (let i = 0; i < length; i++) sayByte(load8(u64(address + BigInt(i))));
}

/** Says a text that is known at build time. */
export function say(message: string): void {
  const bytes = text(message);
  sayBytes(bytes.address, bytes.length);
}

/** Says a number in hexadecimal with `digits` digits, 1 to 16. */
export function sayHex(value: u64, digits: u32): void {
  for (let i = Math.min(digits, 16) - 1; i >= 0; i--) {
    const digit = u8(value >> BigInt(i * 4)) & 15;
    sayByte(digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}

/** Says a number in decimal. */
export function sayDecimal(value: u64): void {
  let rest: u64 = value;
  let count = 0;
  for (let i = 0; i < 20; i++) {
    const digit = u8(rest % 10n);
    output.digits[i] = u8(0x30 + digit);
    count = i + 1;
    rest = rest / 10n;
    if (rest === 0n) break;
  }
  for (let i = count - 1; i >= 0; i--) sayByte(output.digits[i]);
}

/** Says a number of bytes in KiB or MiB, whichever is whole and larger. */
export function sayBytesCount(bytes: u64): void {
  const kibibytes = u64((bytes + 1023n) >> 10n);
  if ((kibibytes & 1023n) === 0n) {
    sayDecimal(kibibytes >> 10n);
    say(" MiB");
  } else {
    sayDecimal(kibibytes);
    say(" KiB");
  }
}
