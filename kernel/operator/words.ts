/** The words of a command line, which spaces divide, as texts within it. */
import { i32, u32, u64 } from "../../dsl/core/int.ts";
import { load8, type Text } from "../../dsl/core/intrinsics.ts";

/** Whether two texts have the same bytes. */
export function equal(a: Text, b: Text): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++)
    if (load8(u64(a.address + BigInt(i))) !== load8(u64(b.address + BigInt(i)))) return false;
  return true;
}

/** What is left of a line from its next word on. */
export function fromWord(line: Text): Text {
  for (let i = 0; i < line.length; i++)
    if (load8(u64(line.address + BigInt(i))) !== 0x20)
      return { address: u64(line.address + BigInt(i)), length: u32(line.length - i) };
  return { address: line.address, length: 0 };
}

/** The word at the beginning of a line. */
export function wordOf(line: Text): Text {
  for (let i = 0; i < line.length; i++)
    if (load8(u64(line.address + BigInt(i))) === 0x20) return { address: line.address, length: u32(i) };
  return line;
}

/** What stands behind a line's first word, from the next one on. */
export function behind(line: Text, word: Text): Text {
  return fromWord({
    address: u64(line.address + BigInt(word.length)),
    length: u32(line.length - word.length),
  });
}

/** The number that a word is, up to 9,999, and 0 for no word; -1 where it is none. */
export function numberOf(word: Text): i32 {
  let value = 0;
  if (word.length > 4) return -1;
  for (let i = 0; i < word.length; i++) {
    const digit = load8(u64(word.address + BigInt(i))) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = Math.min(value * 10 + digit, 9999);
  }
  return i32(value);
}
