/**
 * A guest's access to a window: any width at any offset becomes accesses to units.
 */
import { u32, u64, u8 } from "../core/int.ts";
import { unlikely } from "../core/intrinsics.ts";
import type { Cells } from "./cell.ts";
import type { UnitAccess } from "./dispatch.ts";

/** How a bank takes accesses that are not of its own width. */
export interface Widths {
  readonly narrow: "merge" | "ignore";
  readonly wide: "split" | "ignore";
}

/** The access functions of a window: offsets from its base, widths 1, 2 or 4 bytes; 8 through the last two. */
export interface WindowAccess {
  readonly read: (self: Cells, offset: u32, width: u8) => u32;
  readonly write: (self: Cells, offset: u32, width: u8, value: u32) => void;
  readonly read64: (self: Cells, offset: u32) => u64;
  readonly write64: (self: Cells, offset: u32, value: u64) => void;
}

/** A window of bytes, where nothing is narrower than the unit. */
export function byteWindow(unit: UnitAccess<u32>, widths: Widths, hole: u32): WindowAccess {
  const { read, write } = unit;
  if (widths.wide === "ignore") {
    return withHalves(
      (self: Cells, offset: u32, width: u8): u32 => {
        if (width !== 1) return hole;
        return read(self, offset);
      },
      (self: Cells, offset: u32, width: u8, value: u32): void => {
        if (width !== 1) return;
        write(self, offset, value & 0xff);
      },
    );
  }
  // Apart from the access of one byte, so that it has no loop around it.
  const readWide = (self: Cells, offset: u32, width: u8): u32 => {
    let value: u32 = 0;
    for (let i = 0; i < 4; i += 1) {
      value = u32(value | ((read(self, u32(offset + i)) & 0xff) << (i * 8)));
      if (i + 1 >= width) break;
    }
    return value;
  };
  const writeWide = (self: Cells, offset: u32, width: u8, value: u32): void => {
    for (let i = 0; i < 4; i += 1) {
      write(self, u32(offset + i), (value >>> (i * 8)) & 0xff);
      if (i + 1 >= width) break;
    }
  };
  return withHalves(
    (self: Cells, offset: u32, width: u8): u32 => {
      if (unlikely(width !== 1)) return readWide(self, offset, width);
      return read(self, offset);
    },
    (self: Cells, offset: u32, width: u8, value: u32): void => {
      if (unlikely(width !== 1)) {
        writeWide(self, offset, width, value);
        return;
      }
      write(self, offset, value & 0xff);
    },
  );
}

/** A window of 16-bit units. */
export function wordWindow(unit: UnitAccess<u32>, widths: Widths, hole: u32): WindowAccess {
  const { read, write, background } = unit;
  const merges = widths.narrow === "merge";
  const splits = widths.wide === "split";
  return withHalves(
    (self: Cells, offset: u32, width: u8): u32 => {
      let value: u32 = hole;
      if (width === 2) {
        value = read(self, offset);
      } else if (width === 1) {
        if (merges) value = (read(self, u32(offset & ~1)) >>> ((offset & 1) * 8)) & 0xff;
      } else if (splits) {
        const low = read(self, offset) & 0xffff;
        value = u32(low | (read(self, u32(offset + 2)) << 16));
      }
      return value;
    },
    (self: Cells, offset: u32, width: u8, value: u32): void => {
      if (width === 2) {
        write(self, offset, value & 0xffff);
      } else if (width === 1) {
        if (merges) {
          const shift = (offset & 1) * 8;
          const at = u32(offset & ~1);
          write(self, at, (background(self, at) & (0xff00 >>> shift)) | ((value & 0xff) << shift));
        }
      } else if (splits) {
        write(self, offset, value & 0xffff);
        write(self, u32(offset + 2), value >>> 16);
      }
    },
  );
}

/** A window of 32-bit units. */
export function doubleWordWindow(unit: UnitAccess<u32>, widths: Widths, hole: u32): WindowAccess {
  const { read, write, background } = unit;
  if (widths.narrow === "ignore") {
    return withHalves(
      (self: Cells, offset: u32, width: u8): u32 => {
        if (width !== 4) return hole;
        return read(self, offset);
      },
      (self: Cells, offset: u32, width: u8, value: u32): void => {
        if (width !== 4) return;
        write(self, offset, value);
      },
    );
  }
  return withHalves(
    (self: Cells, offset: u32, width: u8): u32 => {
      let value: u32;
      if (width === 4) {
        value = read(self, offset);
      } else {
        const ones = width === 2 ? 0xffff : 0xff;
        value = u32((read(self, u32(offset & ~3)) >>> ((offset & 3) * 8)) & ones);
      }
      return value;
    },
    (self: Cells, offset: u32, width: u8, value: u32): void => {
      if (width === 4) {
        write(self, offset, value);
      } else {
        const shift = (offset & 3) * 8;
        const mask = u32((width === 2 ? 0xffff : 0xff) << shift);
        const at = u32(offset & ~3);
        write(self, at, u32((background(self, at) & ~mask) | ((value << shift) & mask)));
      }
    },
  );
}

/** A window of 32-bit units, where narrower accesses reach the bytes of an overlay. */
export function overlaidWindow(unit: UnitAccess<u32>, bytes: UnitAccess<u32>, bytesHole: u32): WindowAccess {
  const { read, write } = unit;
  const narrow = byteWindow(bytes, { narrow: "merge", wide: "split" }, bytesHole);
  const readBytes = narrow.read;
  const writeBytes = narrow.write;
  return withHalves(
    (self: Cells, offset: u32, width: u8): u32 => {
      if (width !== 4) return readBytes(self, offset, width);
      return read(self, offset);
    },
    (self: Cells, offset: u32, width: u8, value: u32): void => {
      if (width !== 4) {
        writeBytes(self, offset, width, value);
        return;
      }
      write(self, offset, value);
    },
  );
}

/** A window of 64-bit units. */
export function quadWordWindow(unit: UnitAccess<u64>, widths: Widths, hole: u64): WindowAccess {
  const { read, write, background } = unit;
  const merges = widths.narrow === "merge";
  const narrowHole = u32(hole);
  return Object.freeze({
    read: (self: Cells, offset: u32, width: u8): u32 => {
      if (!merges) return narrowHole;
      const ones = width === 4 ? 0xffff_ffff : width === 2 ? 0xffff : 0xff;
      const whole = read(self, u32(offset & ~7));
      const value = u32(u32(whole >> BigInt((offset & 7) * 8)) & ones);
      return value;
    },
    write: (self: Cells, offset: u32, width: u8, value: u32): void => {
      if (!merges) return;
      const ones = width === 4 ? 0xffff_ffffn : width === 2 ? 0xffffn : 0xffn;
      const shift = BigInt((offset & 7) * 8);
      const mask = u64(ones << shift);
      const at = u32(offset & ~7);
      write(self, at, u64((background(self, at) & ~mask) | (u64(BigInt(value) << shift) & mask)));
    },
    read64: (self: Cells, offset: u32): u64 => {
      return read(self, offset);
    },
    write64: (self: Cells, offset: u32, value: u64): void => {
      write(self, offset, value);
    },
  });
}

/** Adds 8-byte accesses as two of 4 bytes, the lower first. */
export function withHalves(read: WindowAccess["read"], write: WindowAccess["write"]): WindowAccess {
  return Object.freeze({
    read,
    write,
    read64: (self: Cells, offset: u32): u64 => {
      const low = BigInt(read(self, offset, 4));
      return u64(low | (BigInt(read(self, u32(offset + 4), 4)) << 32n));
    },
    write64: (self: Cells, offset: u32, value: u64): void => {
      write(self, offset, 4, u32(value));
      write(self, u32(offset + 4), 4, u32(value >> 32n));
    },
  });
}
