/**
 * The editing of one line on a terminal (ECMA-48's cursor keys, and the control characters of readline), with a history.
 * What arrives is bounded by what the line holds; what is no key of the editor's is ignored.
 */
import { u32, u64, u8 } from "../../dsl/core/int.ts";
import { addressOf, text } from "../../dsl/core/intrinsics.ts";
import { array, struct, type ValueOf } from "../../dsl/core/layout.ts";
import type { Writer } from "../console.ts";

/** Bytes of a line. */
export const lineBytes = 120;
/** Lines that are remembered; a power of two. */
const historyLines = 16;

const Remembered = struct("RememberedLine", { length: u32, bytes: array(u8, lineBytes) });

/** A line that is being edited, and those before it. */
export const Line = struct("EditedLine", {
  length: u32,
  cursor: u32,
  /** Of an escape sequence: 0 none, 1 behind ESC, 2 behind CSI. */
  escape: u32,
  /** The number in an escape sequence. */
  parameter: u32,
  /** Lines that were remembered so far, and how far back the one shown lies. */
  remembered: u32,
  back: u32,
  bytes: array(u8, lineBytes),
  history: array(Remembered, historyLines),
});
export type Line = ValueOf<typeof Line>;

/** What a key asks of whoever has the line. */
export enum Key {
  /** The editor has done it. */
  edited = 0,
  /** The line is finished. */
  enter = 1,
  /** The word before the cursor is to be completed. */
  complete = 2,
}

export interface LineEditor {
  /** Takes a byte; a `Key`. */
  receive(line: Line, byte: u8): u32;
  /** Remembers the line and begins an empty one. */
  next(line: Line): void;
  /** Puts a byte in where the cursor is; nothing happens where the line is full. */
  insert(line: Line, byte: u8): void;
  /** Shows the line anew behind its prompt, and the cursor in it. */
  show(line: Line): void;
}

/** Where the last word before `end` begins. */
function wordBefore(line: Line, end: u32): u32 {
  let at = Math.min(end, lineBytes);
  for (let i = 0; i < lineBytes; i++) {
    if (at === 0 || line.bytes[at - 1] !== 0x20) break;
    at--;
  }
  for (let i = 0; i < lineBytes; i++) {
    if (at === 0 || line.bytes[at - 1] === 0x20) break;
    at--;
  }
  return u32(at);
}

/** Makes an editor whose terminal is behind `put`. Build time. */
export function lineEditor(put: (byte: u8) => void, out: Writer, prompt: string): LineEditor {
  const left = (count: u32): void => {
    for (let i = 0; i < count; i++) put(0x08);
  };
  /** Shows what lies from the cursor on, and blanks over what was there behind it. */
  const tail = (line: Line, blanks: u32): void => {
    const length = Math.min(line.length, lineBytes);
    const cursor = Math.min(line.cursor, length);
    out.bytes(u64(addressOf(line.bytes) + BigInt(cursor)), u32(length - cursor));
    for (let i = 0; i < blanks; i++) put(0x20);
    left(u32(length - cursor + blanks));
  };
  const move = (line: Line, to: u32): void => {
    const length = Math.min(line.length, lineBytes);
    const cursor = Math.min(line.cursor, length);
    const wanted = Math.min(to, length);
    if (wanted < cursor) left(u32(cursor - wanted));
    else out.bytes(u64(addressOf(line.bytes) + BigInt(cursor)), u32(wanted - cursor));
    line.cursor = u32(wanted);
  };
  /** Takes out what lies from `from` up to `to`, in one of which the cursor is. */
  const remove = (line: Line, from: u32, to: u32): void => {
    const length = Math.min(line.length, lineBytes);
    const end = Math.min(to, length);
    const first = Math.min(from, end);
    if (first === end) return;
    move(line, u32(first));
    for (let i = end; i < length; i++)
      line.bytes[Math.min(first + i - end, lineBytes - 1)] = line.bytes[Math.min(i, lineBytes - 1)];
    line.length = u32(length - (end - first));
    tail(line, u32(end - first));
  };
  const insert = (line: Line, byte: u8): void => {
    const length = line.length;
    if (length >= lineBytes) return;
    const cursor = Math.min(line.cursor, length);
    for (let i = 0; i < lineBytes; i++) {
      const at = length - i;
      if (at <= cursor || at <= 0) break;
      line.bytes[at] = line.bytes[at - 1];
    }
    line.bytes[Math.min(cursor, lineBytes - 1)] = byte;
    line.length = u32(length + 1);
    put(byte);
    line.cursor = u32(cursor + 1);
    if (cursor < length) tail(line, 0);
  };
  /** Shows the line that was finished so many lines ago; 0 is an empty one. */
  const recall = (line: Line, back: u32): void => {
    if (back > Math.min(line.remembered, historyLines)) return;
    line.back = back;
    move(line, 0);
    const old = line.history[u32(line.remembered - back) & (historyLines - 1)];
    const length = back === 0 ? 0 : Math.min(old.length, lineBytes);
    for (let i = 0; i < length; i++) line.bytes[i] = old.bytes[i];
    const before = Math.min(line.length, lineBytes);
    line.length = u32(length);
    tail(line, u32(Math.max(before - length, 0)));
    move(line, u32(length));
  };
  const older = (line: Line): void => recall(line, u32(line.back + 1));
  const newer = (line: Line): void => {
    if (line.back > 0) recall(line, u32(line.back - 1));
  };
  const erase = (line: Line): void => {
    if (line.cursor > 0) remove(line, u32(line.cursor - 1), line.cursor);
  };
  const cut = (line: Line): void => remove(line, line.cursor, u32(line.cursor + 1));
  const back = (line: Line): void => {
    if (line.cursor > 0) move(line, u32(line.cursor - 1));
  };
  const forth = (line: Line): void => move(line, u32(line.cursor + 1));
  const home = (line: Line): void => move(line, 0);
  const end = (line: Line): void => move(line, line.length);

  /** The last byte of an escape sequence (ECMA-48 §8.3; the numbers are those of the VT220). */
  const escaped = (line: Line, byte: u8): void => {
    const number = line.parameter;
    if (byte === 0x41) older(line);
    else if (byte === 0x42) newer(line);
    else if (byte === 0x43) forth(line);
    else if (byte === 0x44) back(line);
    else if (byte === 0x48 || (byte === 0x7e && (number === 1 || number === 7))) home(line);
    else if (byte === 0x46 || (byte === 0x7e && (number === 4 || number === 8))) end(line);
    else if (byte === 0x7e && number === 3) cut(line);
  };
  const inSequence = (line: Line, byte: u8): void => {
    if (line.escape === 1) {
      line.escape = byte === 0x5b || byte === 0x4f ? 2 : 0;
      line.parameter = 0;
    } else if (byte >= 0x30 && byte <= 0x39) line.parameter = u32((line.parameter * 10 + byte - 0x30) & 0xff);
    else if (byte >= 0x40) {
      line.escape = 0;
      escaped(line, byte);
    }
  };

  const receive = (line: Line, byte: u8): u32 => {
    if (line.escape !== 0) inSequence(line, byte);
    else if (byte === 0x0d || byte === 0x0a) return Key.enter;
    else if (byte === 0x09) return Key.complete;
    else if (byte === 0x1b) line.escape = 1;
    else if (byte === 0x01) home(line);
    else if (byte === 0x02) back(line);
    else if (byte === 0x04) cut(line);
    else if (byte === 0x05) end(line);
    else if (byte === 0x06) forth(line);
    else if (byte === 0x08 || byte === 0x7f) erase(line);
    else if (byte === 0x0b) remove(line, line.cursor, line.length);
    else if (byte === 0x0e) newer(line);
    else if (byte === 0x10) older(line);
    else if (byte === 0x15) remove(line, 0, line.cursor);
    else if (byte === 0x17) remove(line, wordBefore(line, line.cursor), line.cursor);
    else if (byte >= 0x20 && byte < 0x7f) insert(line, byte);
    return Key.edited;
  };

  return Object.freeze({
    receive,
    insert,
    next(line: Line): void {
      const length = Math.min(line.length, lineBytes);
      if (length !== 0) {
        const place = line.history[line.remembered & (historyLines - 1)];
        for (let i = 0; i < length; i++) place.bytes[i] = line.bytes[i];
        place.length = u32(length);
        line.remembered = u32(line.remembered + 1);
      }
      line.length = 0;
      line.cursor = 0;
      line.back = 0;
      line.escape = 0;
    },
    show(line: Line): void {
      out.text(text(prompt));
      const cursor = line.cursor;
      line.cursor = 0;
      move(line, line.length);
      move(line, cursor);
    },
  });
}
