/** What a command answers: records of named values, as rows for people or as one line of JSON each (RFC 8259). */
import { u64, u8 } from "../../dsl/core/int.ts";
import { load8, text, type Text } from "../../dsl/core/intrinsics.ts";
import { bool, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Writer } from "../console.ts";

/** A value's name: for JSON, with its unit; and what stands around it in a row. Build time. */
export interface Field {
  readonly key: string;
  readonly before: string;
  readonly behind: string;
}

/** Declares a value of answers. Build time. */
export function field(key: string, before = "", behind = ""): Field {
  return Object.freeze({ key, before, behind });
}

export interface Answer {
  /** Begins an answer; framed lines of JSON stand between a record separator and a line feed (RFC 7464). */
  begin(json: boolean, framed: boolean): void;
  isJson(): boolean;
  /** Begins a record. */
  open(): void;
  text(field: Field, value: Text): void;
  decimal(field: Field, value: u64): void;
  hex(field: Field, value: u64): void;
  close(): void;
  /** Goes on in a new row for people, within the record. */
  wrap(): void;
  /** Says a sentence to people; in JSON the records say it all. */
  say(sentence: Text): void;
  /** The command cannot do what it was asked to: a sentence, and the word that it ends with. */
  fail(sentence: Text, word: Text): void;
  /** Ends the answer: JSON says how it went. */
  end(): void;
}

/** The character before a framed line of JSON. */
export const recordSeparator = 0x1e;

/** Makes what answers through `put`. */
export function answerTo(put: (byte: u8) => void, out: Writer): Answer {
  const own = storage("answer", struct("Answer", { json: bool, framed: bool, first: bool, failed: bool }));
  const startLine = (): void => {
    if (own.framed) put(recordSeparator);
    put(0x7b);
  };
  const endLine = (): void => {
    put(0x7d);
    if (own.framed) put(0x0a);
    else out.text(text("\n"));
  };
  /** The text as it stands between quotation marks. */
  const escaped = (t: Text): void => {
    for (let i = 0; i < t.length; i++) {
      const byte = load8(u64(t.address + BigInt(i)));
      if (byte === 0x22 || byte === 0x5c) put(0x5c);
      put(u8(byte >= 0x20 && byte < 0x7f ? byte : 0x3f));
    }
  };
  const quoted = (t: Text): void => {
    put(0x22);
    escaped(t);
    put(0x22);
  };
  /** The name of a value. */
  const name = (key: Text, before: Text): void => {
    if (own.json) {
      if (!own.first) put(0x2c);
      quoted(key);
      put(0x3a);
    } else {
      put(0x20);
      put(0x20);
      out.text(before);
    }
    own.first = false;
  };
  const behind = (unit: Text): void => {
    if (!own.json) out.text(unit);
  };
  return Object.freeze({
    begin(json: boolean, framed: boolean): void {
      own.json = json;
      own.framed = framed;
      own.failed = false;
    },
    isJson: (): boolean => own.json,
    open(): void {
      own.first = true;
      if (own.json) startLine();
    },
    text(f: Field, value: Text): void {
      name(text(f.key), text(f.before));
      if (own.json) quoted(value);
      else out.text(value);
      behind(text(f.behind));
    },
    decimal(f: Field, value: u64): void {
      name(text(f.key), text(f.before));
      out.decimal(value);
      behind(text(f.behind));
    },
    hex(f: Field, value: u64): void {
      name(text(f.key), text(f.before));
      if (own.json) put(0x22);
      out.hex(value);
      if (own.json) put(0x22);
      behind(text(f.behind));
    },
    close(): void {
      if (own.json) endLine();
      else out.text(text("\n"));
    },
    wrap(): void {
      if (!own.json) out.text(text("\n"));
    },
    say(sentence: Text): void {
      if (own.json) return;
      out.text(sentence);
      out.text(text("\n"));
    },
    fail(sentence: Text, word: Text): void {
      own.failed = true;
      if (own.json) {
        startLine();
        out.text(text('"ok":false,"error":"'));
        out.text(sentence);
        escaped(word);
        put(0x22);
        endLine();
      } else {
        out.text(sentence);
        out.text(word);
        out.text(text("\n"));
      }
    },
    end(): void {
      if (!own.json || own.failed) return;
      startLine();
      out.text(text('"ok":true'));
      endLine();
    },
  });
}
