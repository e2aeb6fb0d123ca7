/** Edits of a text that remember where each piece came from. No edit adds a line, so lines stay as they are. */

/** Puts `text` in the place of `[start, end)`. `text` may be a function that is called when all edits are known. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string | (() => string);
}

/** A text after its edits. */
export interface EditedText {
  readonly text: string;
  /** Offset in the original text; an offset inside inserted text gives the place where it was inserted. */
  original(offset: number): number;
}

/** Applies edits, which are in ascending order and do not overlap; several may insert at one place, in order. */
export function applyEdits(source: string, edits: readonly Edit[]): EditedText {
  const parts: string[] = [];
  // Piece i covers edited offsets from edited[i]; original[i] is where it came from; copied[i] whether it is a copy.
  const edited: number[] = [];
  const original: number[] = [];
  const copied: boolean[] = [];
  let at = 0;
  let length = 0;
  const piece = (text: string, from: number, isCopy: boolean): void => {
    if (text === "") return;
    edited.push(length);
    original.push(from);
    copied.push(isCopy);
    parts.push(text);
    length += text.length;
  };
  for (const { start, end, text } of edits) {
    if (start < at) throw new Error(`edits overlap at offset ${start}`);
    piece(source.slice(at, start), at, true);
    piece(typeof text === "string" ? text : text(), start, false);
    at = end;
  }
  piece(source.slice(at), at, true);
  return {
    text: parts.join(""),
    original(offset) {
      let low = 0;
      let high = edited.length - 1;
      if (high < 0) return offset;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (edited[middle]! <= offset) low = middle;
        else high = middle - 1;
      }
      return original[low]! + (copied[low]! ? offset - edited[low]! : 0);
    },
  };
}
