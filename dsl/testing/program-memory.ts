/** Guest memory of a program for tests of Node against native: one stretch of static storage, whose end is read-only. */
import { u32, u64, u8 } from "../core/int.ts";
import { addressOf, fillBytes, load64 } from "../core/intrinsics.ts";
import { array, type FixedArray } from "../core/layout.ts";
import { storage } from "../core/storage.ts";
import type { Board, GuestValue } from "../device/board.ts";

/** Where the guest's memory starts, and how many bytes there are. */
export const ramGpa = 0x1000n;
export const ramBytes = 0x8000;
/** What lies behind this much of it cannot be written. */
export const writableEnd = 0x7000n;
/** Sectors of the volumes that devices under test have. */
export const testSectors = 16n;
/** What `ramAt` gives for what is not there. */
const outside = 0xffff_ffff;

/** The memory as devices and as tests see it. */
export interface ProgramMemory {
  /** All of it, as it lies in the program's storage. */
  readonly bytes: FixedArray<u8>;
  /** Makes all of it zero. */
  readonly clear: () => void;
  readonly board: Pick<Board, "readMemory" | "writeMemory" | "copyFromMemory" | "copyToMemory">;
  /** Writes 1 to 8 bytes, also where devices cannot; nothing where no memory is. */
  readonly set: (gpa: u64, width: u8, value: u64) => void;
  /** Whether devices may read bytes, or write them. */
  readonly isThere: (gpa: u64, bytes: u32, writing: boolean) => boolean;
  /** Two bytes of it. */
  readonly word: (gpa: u64) => u32;
  /** FNV-1a over all of it, by eight bytes. */
  readonly hash: () => u32;
}

/** Declares the storage. */
export function programMemory(name: string): ProgramMemory {
  const ram = storage(name, array(u8, ramBytes));
  /** Where bytes of the guest's memory lie in `ram`; `outside` where they do not, or cannot be written. */
  const ramAt = (gpa: u64, bytes: u32, writing: boolean): u32 => {
    const end = writing ? writableEnd : BigInt(ramBytes);
    const inside = u64(gpa - ramGpa);
    return inside > end || end - inside < BigInt(bytes) ? outside : u32(inside);
  };
  const putAt = (at: u32, width: u8, value: u64): void => {
    for (let i = 0; i < 8; i += 1)
      if (i < width) ram[u32(at + i) & (ramBytes - 1)] = u8(value >> BigInt(8 * i));
  };
  return Object.freeze({
    bytes: ram,
    clear: (): void => fillBytes(addressOf(ram), 0, BigInt(ramBytes)),
    board: Object.freeze({
      readMemory: (gpa: u64, width: u8): GuestValue => {
        const at = ramAt(gpa, width, false);
        if (at === outside) return { ok: false, value: 0n };
        let value: u64 = 0n;
        for (let i = 0; i < 8; i += 1)
          if (i < width) value = u64(value | (BigInt(ram[u32(at + i) & (ramBytes - 1)]) << BigInt(8 * i)));
        return { ok: true, value };
      },
      writeMemory: (gpa: u64, width: u8, value: u64): boolean => {
        const at = ramAt(gpa, width, true);
        if (at !== outside) putAt(at, width, value);
        return at !== outside;
      },
      copyFromMemory: (gpa: u64, bytes: FixedArray<u8>, at: u32, length: u32): boolean => {
        const from = ramAt(gpa, length, false);
        if (from === outside || at > bytes.length || length > bytes.length - at) return false;
        for (let i = 0; i < ramBytes; i += 1) {
          const to = at + i;
          if (i >= length || to >= bytes.length) break;
          bytes[to] = ram[u32(from + i) & (ramBytes - 1)];
        }
        return true;
      },
      copyToMemory: (gpa: u64, bytes: FixedArray<u8>, at: u32, length: u32): boolean => {
        const to = ramAt(gpa, length, true);
        if (to === outside || at > bytes.length || length > bytes.length - at) return false;
        for (let i = 0; i < ramBytes; i += 1) {
          const from = at + i;
          if (i >= length || from >= bytes.length) break;
          ram[u32(to + i) & (ramBytes - 1)] = bytes[from];
        }
        return true;
      },
    }),
    set: (gpa: u64, width: u8, value: u64): void => {
      const at = ramAt(gpa, width, false);
      if (at !== outside) putAt(at, width, value);
    },
    isThere: (gpa: u64, bytes: u32, writing: boolean): boolean => ramAt(gpa, bytes, writing) !== outside,
    word: (gpa: u64): u32 => {
      const at = ramAt(gpa, 2, false);
      return ram[at & (ramBytes - 1)] | (ram[u32(at + 1) & (ramBytes - 1)] << 8);
    },
    hash: (): u32 => {
      const address = addressOf(ram);
      let hash: u64 = 0xcbf29ce484222325n;
      for (let i = 0; i < ramBytes; i += 8)
        hash = u64((hash ^ load64(u64(address + BigInt(i)))) * 0x100000001b3n);
      return u32(hash >> 32n);
    },
  });
}
