/**
 * A flash chip's array as state of a device: a stretch of the guest's memory that the guest reads as memory while the
 * chip shows it, and whose every other access reaches the device. Only the device changes what it holds, and the guest's
 * restart does not.
 */
import { u16, u32, u8 } from "../core/int.ts";
import { bool, extend, struct, type ValueOf } from "../core/layout.ts";
import { board } from "./board.ts";

const Layout = struct("Flash", { wire: u16, hidden: bool });
type Self = ValueOf<typeof Layout>;

const Chip = extend(Layout, {
  methods: {
    show: (self: Self, there: boolean): void => {
      if (self.hidden !== there) return;
      self.hidden = !there;
      board.showFlash(self.wire, there);
    },
    appear: (self: Self): void => board.showFlash(self.wire, !self.hidden),
    read: (self: Self, offset: u32): u8 => board.flashByte(self.wire, offset),
    program: (self: Self, offset: u32, value: u8): void =>
      board.programFlash(self.wire, offset, board.flashByte(self.wire, offset) & value),
    erase: (self: Self, offset: u32, bytes: u32): void => board.eraseFlash(self.wire, offset, bytes),
  },
});
/**
 * The array: `show(there)` lets the guest read it as memory or takes that away, and does nothing where it is so already;
 * `appear()` does again what was done last, for a device that goes on from a save;
 * `read(offset)` gives a byte; `program(offset, value)` clears the bits of a byte that `value` has clear, and
 * `erase(offset, bytes)` sets all of a stretch. Nothing lies beyond its end. It is shown at first.
 */
export type FlashArray = ValueOf<typeof Chip>;
/** Declares the array of the device's window of memory. */
export function flashArray(): typeof Chip {
  return Chip;
}
