/** Text for the operator on the host's console: strings, decimal and hexadecimal numbers. */
import { u64, u8, type u32 } from "../dsl/core/int.ts";
import { load8, type Text } from "../dsl/core/intrinsics.ts";
import { machine } from "./machine.ts";

/** Writes the bytes of a text; a line feed goes out as CR LF. */
export function putText(text: Text): void {
  putBytes(text.address, text.length);
}

/** Writes `length` bytes at an address; a line feed goes out as CR LF. */
export function putBytes(address: u64, length: u32): void {
  for (let i = 0; i < length; i++) {
    const byte = load8(u64(address + BigInt(i)));
    if (byte === 0x0a) machine.consolePut(0x0d);
    machine.consolePut(byte);
  }
}

/** Writes a number in hexadecimal with `0x` and without leading zeros. */
export function putHex(value: u64): void {
  machine.consolePut(0x30);
  machine.consolePut(0x78);
  let started = false;
  for (let i = 0; i < 16; i++) {
    const digit = u8((value >> BigInt(60 - 4 * i)) & 0xfn);
    if (digit !== 0 || i === 15) started = true;
    if (started) machine.consolePut(u8(digit < 10 ? 0x30 + digit : 0x57 + digit));
  }
}

const powers = Object.freeze(Array.from({ length: 20 }, (_, i) => 10n ** BigInt(19 - i)));

/** Writes a number in decimal. */
export function putDecimal(value: u64): void {
  let rest: u64 = value;
  let started = false;
  for (let at = 0; at < 20; at++) {
    const power = powers[at];
    let digit = 0;
    // Subtraction in place of a 64-bit division.
    for (let i = 0; i < 9; i++) {
      if (rest < power) break;
      rest = u64(rest - power);
      digit = i + 1;
    }
    if (digit !== 0 || at === 19) started = true;
    if (started) machine.consolePut(u8(0x30 + digit));
  }
}
