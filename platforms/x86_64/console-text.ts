/**
 * What the host side has to say, before and beside the kernel's own notices: text, numbers and names, on the serial
 * console, and on the firmware's console too while a start is being refused.
 */
import { addressOf, load8, text } from "../../dsl/core/intrinsics.ts";
import { array, bool, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { storage } from "../../dsl/core/storage.ts";
import { addressOfFunction, callFirmware } from "../asm.ts";
import { firmwareFlush, firmwarePut } from "./efi/console.ts";
import { serialPut } from "./serial.ts";

const Output = struct("HostOutput", { onFirmwareConsole: bool, byte: u8, digits: array(u8, 20) });
const byteOffset = 1n;
export type HostOutput = ValueOf<typeof Output>;
const output = storage("hostOutput", Output);

/** Says what follows on the firmware's console too, until `sayOnFirmwareConsole(false)` writes it there. */
export function sayOnFirmwareConsole(on: boolean): void {
  if (!on && output.onFirmwareConsole) firmwareFlush();
  output.onFirmwareConsole = on;
}

/** Says bytes that lie in memory; a line feed gets its carriage return. */
export function sayBytes(address: u64, length: u32): void {
  // By its address, so that it stays one function: what is said is said at many places, and seldom.
  callFirmware(addressOfFunction(writeBytes), address, BigInt(length));
}

function writeBytes(address: u64, length: u64): void {
  for (let i: u64 = 0n; i < length; i = u64(i + 1n)) {
    const byte = load8(u64(address + i));
    if (byte === 0x0a) {
      serialPut(0x0d);
      if (output.onFirmwareConsole) firmwarePut(0x0d);
    }
    serialPut(byte);
    if (output.onFirmwareConsole) firmwarePut(byte);
  }
}

/** Says one byte. */
export function sayByte(byte: u8): void {
  output.byte = byte;
  sayBytes(u64(addressOf(output) + byteOffset), 1);
}

/** Says a text that is known at build time. */
export function say(message: string): void {
  const bytes = text(message);
  sayBytes(bytes.address, bytes.length);
}

/** Says a number in hexadecimal with `digits` digits, 1 to 16. */
export function sayHex(value: u64, digits: u32): void {
  let rest: u64 = value;
  const count = Math.min(digits, 16);
  for (let i = 0; i < 16; i++) {
    if (i >= count) break;
    const digit = u8(rest) & 15;
    output.digits[19 - i] = digit < 10 ? 0x30 + digit : 0x57 + digit;
    rest = rest >> 4n;
  }
  sayDigits(count);
}

/** Says a number in decimal. */
export function sayDecimal(value: u64): void {
  let rest: u64 = value;
  let count = 0;
  for (let i = 0; i < 20; i++) {
    output.digits[19 - i] = u8(0x30n + (rest % 10n));
    count = i + 1;
    rest = rest / 10n;
    if (rest === 0n) break;
  }
  sayDigits(count);
}

/** Says the last digits that were written. */
function sayDigits(count: u32): void {
  sayBytes(u64(addressOf(output.digits) + 20n - BigInt(count)), count);
}
