/** Text for the operator: strings, decimal and hexadecimal numbers, on the host's console or wherever bytes go. */
import { u64, u8, type u32 } from "../dsl/core/int.ts";
import { load8, type Text } from "../dsl/core/intrinsics.ts";
import { machine } from "./machine.ts";

/** What writes text to where its bytes go. */
export interface Writer {
  /** Writes the bytes of a text; a line feed goes out as CR LF. */
  text(text: Text): void;
  /** Writes `length` bytes at an address; a line feed goes out as CR LF. */
  bytes(address: u64, length: u32): void;
  /** Writes a number in hexadecimal with `0x` and without leading zeros. */
  hex(value: u64): void;
  /** Writes a number in decimal. */
  decimal(value: u64): void;
}

const powers = Object.freeze(Array.from({ length: 20 }, (_, i) => 10n ** BigInt(19 - i)));

/** Makes a writer over a function that takes bytes. Build time. */
export function writer(put: (byte: u8) => void): Writer {
  const bytes = (address: u64, length: u32): void => {
    for (let i = 0; i < length; i++) {
      const byte = load8(u64(address + BigInt(i)));
      if (byte === 0x0a) put(0x0d);
      put(byte);
    }
  };
  return Object.freeze({
    bytes,
    text: (text: Text): void => bytes(text.address, text.length),
    hex(value: u64): void {
      put(0x30);
      put(0x78);
      let started = false;
      for (let i = 0; i < 16; i++) {
        const digit = u8((value >> BigInt(60 - 4 * i)) & 0xfn);
        if (digit !== 0 || i === 15) started = true;
        if (started) put(u8(digit < 10 ? 0x30 + digit : 0x57 + digit));
      }
    },
    decimal(value: u64): void {
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
        if (started) put(u8(0x30 + digit));
      }
    },
  });
}

/** The host's console. */
export const {
  text: putText,
  bytes: putBytes,
  hex: putHex,
  decimal: putDecimal,
} = writer((byte: u8): void => machine.consolePut(byte));
