import test from "ava";
import { applyEdits } from "./edits.ts";

test("insertions and replacements are applied in order, also several at one place", (t) => {
  const { text } = applyEdits("abcdef", [
    { start: 0, end: 0, text: "<" },
    { start: 2, end: 2, text: "1" },
    { start: 2, end: 3, text: () => "2" },
    { start: 6, end: 6, text: ">" },
  ]);
  t.is(text, "<ab12def>");
});

test("every copied character leads back to where it was, and inserted text to where it was inserted", (t) => {
  const source = "abcdef";
  const edited = applyEdits(source, [
    { start: 1, end: 1, text: "XYZ" },
    { start: 3, end: 5, text: "" },
    { start: 6, end: 6, text: "!" },
  ]);
  t.is(edited.text, "aXYZbcf!");
  for (const letter of "abcf") t.is(edited.original(edited.text.indexOf(letter)), source.indexOf(letter));
  for (const letter of "XYZ") t.is(edited.original(edited.text.indexOf(letter)), 1);
  t.is(edited.original(edited.text.indexOf("!")), 6);
});

test("edits that overlap are a bug", (t) => {
  t.throws(
    () =>
      applyEdits("abc", [
        { start: 0, end: 2, text: "" },
        { start: 1, end: 1, text: "x" },
      ]),
    { message: /overlap/ },
  );
});
