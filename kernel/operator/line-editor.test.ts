import test from "ava";
import { u8 } from "../../dsl/core/int.ts";
import { make } from "../../dsl/core/layout.ts";
import { writer } from "../console.ts";
import { Key, Line, lineBytes, lineEditor } from "./line-editor.ts";

/** A line in an editor, with a screen of one row on which what the editor sends is shown. */
function scene() {
  const screen: string[] = [];
  let column = 0;
  const put = (byte: number): void => {
    if (byte === 0x08) column = Math.max(column - 1, 0);
    else screen[column++] = String.fromCharCode(byte);
  };
  const line = make(Line);
  const editor = lineEditor(put, writer(put), "> ");
  const type = (keys: string): number => {
    let last = 0;
    for (const byte of Buffer.from(keys, "latin1")) last = editor.receive(line, u8(byte));
    return last;
  };
  const content = (): string =>
    String.fromCharCode(...Array.from({ length: line.length }, (_, i) => line.bytes[i]!));
  const enter = (keys: string): void => {
    type(keys);
    editor.next(line);
    screen.length = 0;
    column = 0;
  };
  return { line, editor, type, content, enter, shown: () => screen.join("").trimEnd(), column: () => column };
}

const cases: readonly (readonly [string, string, string])[] = [
  ["characters are put in where the cursor is", "ac\x1b[Db", "abc"],
  ["backspace takes what is before the cursor", "abxc\x1b[D\x7f", "abc"],
  ["delete takes what is under it", "axbc\x01\x1b[C\x1b[3~", "abc"],
  ["Ctrl-U takes all before the cursor", "xyzabc\x1b[D\x1b[D\x1b[D\x15", "abc"],
  ["Ctrl-K takes all from the cursor on", "abcxyz\x02\x02\x02\x0b", "abc"],
  ["Ctrl-W takes the word before the cursor", "abc xyz  \x17\x7f", "abc"],
  ["home and end go to the ends", "b\x1b[Ha\x1b[Fc", "abc"],
  ["home and end of other terminals do too", "b\x1b[1~a\x1b[4~c", "abc"],
  ["Ctrl-A and Ctrl-E do too", "b\x01a\x05c", "abc"],
  ["cursor keys stop at the ends", "\x1b[D\x1b[Da\x1b[C\x1b[Cb\x06c", "abc"],
  ["what is no key is ignored", "a\x1b[99;5Rb\x00\xffc\x1bO", "abc"],
  ["an empty line has nothing to erase", "\x7f\x04\x15\x0b\x17abc", "abc"],
];
for (const [title, keys, expected] of cases)
  test(title, (t) => {
    const s = scene();
    s.type(keys);
    t.is(s.content(), expected);
    t.is(s.shown(), expected, "and the screen shows it");
    t.is(s.column(), s.line.cursor, "with the cursor where it is");
  });

test("lines come back from the history, and the empty one behind them", (t) => {
  const s = scene();
  s.enter("first");
  s.enter("");
  s.enter("second one");
  s.type("\x1b[A");
  t.is(s.content(), "second one");
  s.type("\x1b[A\x1b[A");
  t.is(s.content(), "first");
  t.is(s.shown(), "first");
  s.type("!\x1b[B");
  t.is(s.content(), "second one");
  s.type("\x1b[B\x1b[B");
  t.is(s.content(), "");
  t.is(s.shown(), "");
});

test("the history keeps the last sixteen", (t) => {
  const s = scene();
  for (let i = 0; i < 40; i++) s.enter(`line ${i}`);
  s.type("\x10".repeat(50));
  t.is(s.content(), "line 24");
});

test("a line is as long as there is room, and the keys of whoever has it are told", (t) => {
  const s = scene();
  s.type("x".repeat(500));
  t.is(s.line.length, lineBytes);
  t.is(s.type("\x01y"), Key.edited);
  t.is(s.content(), "x".repeat(lineBytes));
  t.is(s.type("\t"), Key.complete);
  t.is(s.type("\r"), Key.enter);
});

test("whatever is typed, the screen shows the line, with the cursor where it is", (t) => {
  const keys = [..."ab \x01\x02\x04\x05\x06\x0b\x0e\x10\x15\x17\x7f", "\x1b[D", "\x1b[C", "\x1b[3~"];
  let seed = 7;
  const s = scene();
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    if (seed % 97 === 0) s.enter("");
    else s.type(keys[(seed >> 8) % keys.length]!);
    if (s.shown() !== s.content().trimEnd() || s.column() !== s.line.cursor)
      t.fail(`step ${i}: "${s.shown()}" is not "${s.content()}"`);
  }
  t.pass();
});
