/** Feature: `disturbs` leaves out calls that would tell nothing new. */
import { u32, u8 } from "../../../dsl/core/int.ts";
import { disturbs } from "../../../dsl/core/intrinsics.ts";
import { array, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import type { Program } from "../../../dsl/core/program.ts";
import { storage } from "../../../dsl/core/storage.ts";

const Chip = struct("Chip", {
  mask: u8,
  scratch: u32,
  level: u8,
  changes: u32,
  words: array(u32, 4),
  tail: u8,
});
type Chip = ValueOf<typeof Chip>;
const chip = storage("disturbedChip", Chip);

/** What an output shows follows from the mask and the words; called again, it changes nothing. */
function settle(self: Chip): void {
  const level = self.mask !== 0 && self.words[1]! > 5 ? 1 : 0;
  if (level !== self.level) {
    self.level = level;
    self.changes = u32(self.changes + 1);
  }
}
const setMask = (self: Chip, value: u32): void => {
  self.mask = u8(value);
};
const setScratch = (self: Chip, value: u32): void => {
  self.scratch = value;
};
const setWord = (self: Chip, value: u32): void => {
  self.words[value & 3] = value;
};
const setTail = (self: Chip, value: u32): void => {
  self.tail = u8(value);
};
const rows = Object.freeze([setMask, setScratch, setWord, setTail]);

function write(which: u8, value: u32): u32 {
  let at = 0;
  for (const row of rows) {
    if ((which & 3) === at) {
      row(chip, value);
      if (disturbs(row, settle, chip)) settle(chip);
    }
    at = at + 1;
  }
  return u32(chip.level + chip.changes * 2);
}

export const program: Program = {
  name: "disturbs",
  entries: [{ symbol: "write", fn: write, params: [u8, u32], result: u32 }],
};
