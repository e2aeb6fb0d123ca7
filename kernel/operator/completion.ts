/** Completing the word before the cursor: to what all names that begin with it share, or by showing them. */
import { u32, u64, type u8 } from "../../dsl/core/int.ts";
import { addressOf, load8, text, type Text } from "../../dsl/core/intrinsics.ts";
import type { Writer } from "../console.ts";
import type { Line, LineEditor } from "./line-editor.ts";
import { behind, equal, fromWord, wordOf } from "./words.ts";

/** A name that may be meant. */
export interface Completed {
  readonly name: string;
  /** Which permits allow it, as a bit; 0: it needs none. */
  readonly permit: number;
}

const begins = (name: Text, word: Text): boolean =>
  name.length >= word.length && equal({ address: name.address, length: word.length }, word);

/** How many bytes from their beginning on two texts share, up to `most`. */
const shared = (one: u64, other: u64, most: u32): u32 => {
  for (let i = 0; i < most; i++)
    if (load8(u64(one + BigInt(i))) !== load8(u64(other + BigInt(i)))) return u32(i);
  return most;
};

/** Makes what completes the first word of a line among `first`, and the second among `second`. Build time. */
export function completion(
  editor: LineEditor,
  out: Writer,
  first: readonly Completed[],
  second: readonly Completed[],
): (line: Line, permits: u8) => void {
  const among = (all: readonly Completed[], line: Line, permits: u8, begun: Text): void => {
    let known: u64 = 0n;
    let common: u32 = 0;
    let count: u32 = 0;
    for (const n of all) {
      const name = text(n.name);
      if ((n.permit & permits) === n.permit && begins(name, begun)) {
        common = count === 0 ? name.length : shared(name.address, known, u32(Math.min(common, name.length)));
        known = name.address;
        count = u32(count + 1);
      }
    }
    if (count === 0) return;
    for (let i = begun.length; i < common; i++) editor.insert(line, load8(u64(known + BigInt(i))));
    if (count === 1) editor.insert(line, 0x20);
    else if (common === begun.length) {
      for (const n of all) {
        if ((n.permit & permits) === n.permit && begins(text(n.name), begun)) {
          out.text(text("\n  "));
          out.text(text(n.name));
        }
      }
      out.text(text("\n"));
      editor.show(line);
    }
  };
  return (line: Line, permits: u8): void => {
    const typed = fromWord({ address: addressOf(line.bytes), length: line.cursor });
    const json = equal(wordOf(typed), text("json"));
    const command = json ? behind(typed, wordOf(typed)) : typed;
    const word = wordOf(command);
    if (word.length === command.length) among(first, line, permits, command);
    else among(second, line, permits, behind(command, word));
  };
}
