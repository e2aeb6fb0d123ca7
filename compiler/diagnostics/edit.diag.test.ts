import { join } from "node:path";
import test from "ava";
import { catalogue } from "./catalogue.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { TextEdit } from "./edit.ts";
import { loadFixtures } from "./fixtures.ts";
import { positionAt } from "./span.ts";

const folder = join(import.meta.dirname, "fixtures");
const fixtures = loadFixtures(folder);

interface Edited {
  readonly file: string;
  readonly said: readonly Diagnostic[];
  readonly text: string;
}

/** A text with edits that do not overlap. */
function apply(text: string, edits: readonly TextEdit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce((now, { start, end, text: to }) => now.slice(0, start) + to + now.slice(end), text);
}

const edited: readonly Edited[] = fixtures.files.flatMap((file) => {
  const said = fixtures.check(file).filter((d) => d.edit !== undefined);
  const text = said[0]?.span?.source.text;
  return text === undefined
    ? []
    : [
        {
          file,
          said,
          text: apply(
            text,
            said.map((d) => d.edit!),
          ),
        },
      ];
});

test("where every fix that is an edit is made, only what has none is left", (t) => {
  const mended = loadFixtures(folder, new Map(edited.map(({ file, text }) => [file, text])));
  const words = (list: readonly Diagnostic[]): string[] => list.map((d) => `${d.code}: ${d.message}`);
  for (const { file } of edited)
    t.deepEqual(
      words(mended.check(file)),
      words(fixtures.check(file).filter((d) => d.edit === undefined)),
      file,
    );
});

test("every edit of the catalogue is made in a fixture", (t) => {
  const made = new Set<string>(edited.flatMap(({ said }) => said.map((d) => d.name)));
  const declared = Object.entries(catalogue).flatMap(([name, entry]) => ("edit" in entry ? [name] : []));
  t.deepEqual(
    declared.filter((name) => !made.has(name)),
    [],
  );
  t.true(declared.length > 10);
});

test("an edit is what one would write, and there is none where it would hide a mistake", (t) => {
  const { file, said, text } = edited.find(({ file }) => file.endsWith("/devices/edits.ts"))!;
  const linesOf = (of: string): string[] =>
    of.split("\n").map((line) => line.replace(/\/\/ TV\d{4}$/, "").trim());
  const [before, after] = [linesOf(said[0]!.span!.source.text), linesOf(text)];
  t.deepEqual(
    after.filter((line) => !before.includes(line)),
    [
      "return u8(s.b & 0xfff);",
      "const first: u8 = u8(x & 0x1ff);",
      "s.a = u8(s.a + 1);",
      "s.a = u8(s.a + 1);",
      "s.c = u64(s.c * (s.c ^ 3n));",
      "s.a = u8(x + 1);",
      "s.b = idiv(x + 2, 3);",
      "s.b = idiv(s.b, 2);",
      "s.b = x >>> ((n + 1) & 31);",
      "return s.c >> (BigInt(n + 200) & 127n);",
      "s.list[(i + 32) & 15] = 1;",
      "return table[(i & 7) & 3]!;",
      "return s.c === 5n || BigInt(s.b + 1) > s.c;",
      "if ((s.b & 4) !== 0) return 1;",
      "if (!(s.c !== 0n)) return 2;",
      "return s.a !== 3;",
      "return u64(s.c * s.c * s.c) === 1n;",
      "for (let value of table) s.a = value;",
      "break;",
      "case 2: { s.a = 2; } break;",
      "function given(s: S, x: u8): void {",
    ],
  );
  t.false(after.includes("-x;"));
  const others = fixtures.check(file).filter((d) => d.edit === undefined);
  t.deepEqual(
    others.map((d) => before[positionAt(d.span!.source, d.span!.start).line - 1]),
    ["s.list[16] = 1;"],
  );
});
