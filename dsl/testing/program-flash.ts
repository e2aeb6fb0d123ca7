/** The array of a flash in a program for tests of Node against native, in the storage of the program's guest memory. */
import { u32, u64, u8, type u16 } from "../core/int.ts";
import type { FixedArray } from "../core/layout.ts";
import type { Board } from "../device/board.ts";
import { ramBytes } from "./program-memory.ts";

/** Bytes of one erase at most. */
const mostErased = 4096;

type FlashBoard = Pick<Board, "showFlash" | "flashByte" | "programFlash" | "eraseFlash">;

/** The flash over `bytes`; `note` records what is done to it. */
export function programFlash(bytes: FixedArray<u8>, note: (wire: u16, a: u64, b: u64) => void): FlashBoard {
  return Object.freeze({
    showFlash: (wire: u16, there: boolean): void => note(wire, there ? 1n : 0n, 1n),
    flashByte: (_wire: u16, offset: u32): u8 => (offset < ramBytes ? bytes[offset & (ramBytes - 1)] : 0xff),
    programFlash(wire: u16, offset: u32, value: u8): void {
      note(wire, BigInt(offset), u64(BigInt(value) + 2n));
      if (offset < ramBytes) bytes[offset & (ramBytes - 1)] = value;
    },
    eraseFlash(wire: u16, offset: u32, length: u32): void {
      note(wire, BigInt(offset), u64((BigInt(length) << 16n) | 2n));
      for (let i = 0; i < mostErased; i += 1)
        if (i < length && u32(offset + i) < ramBytes) bytes[u32(offset + i) & (ramBytes - 1)] = 0xff;
    },
  });
}
