import test from "ava";
import { diagnostic, DiagnosticError, Diagnostics } from "./diagnostic.ts";
import { render, toJson } from "./render.ts";
import { offsetAt, positionAt, type SourceText, type Span } from "./span.ts";

const source: SourceText = {
  fileName: "/p/devices/uart.ts",
  text: "const a = 1;\n\tthr: wo(0),\nfoo(\n  a,\n  b,\n  c,\n);\r\nlast",
};
const at = (text: string, from = 0): Span => {
  const start = source.text.indexOf(text, from);
  return { source, start, end: start + text.length };
};
const displayPath = (fileName: string): string => fileName.slice("/p/".length);

test("a diagnostic shows its place, code, line, carets, fix and page", (t) => {
  const d = diagnostic("may-not-fit", at("1"), { range: "[0, 511]", type: "u8" });
  t.is(
    render([d], { displayPath }),
    `devices/uart.ts:1:11
error TV2104: a value in [0, 511] may not fit \`u8\`
  1 | const a = 1;
    |           ^
  fix: narrow it: \`u8(…)\` truncates, \`u8.checked(…)\` traps, a comparison before proves
  see docs/diagnostics/TV2104.md

1 error
`,
  );
});

test("related places and the calls that led there follow, tabs keep the carets in place", (t) => {
  const d = diagnostic(
    "declaration",
    at("thr"),
    { message: "register `thr` overlaps `rbr` at offset 0" },
    {
      related: [
        { message: "`rbr` is declared here", where: at("a =") },
        { message: "and nowhere", where: undefined },
      ],
      trail: [
        { name: "bank", span: at("foo") },
        { name: undefined, span: at("last") },
      ],
    },
  );
  t.is(
    render([d], { displayPath }),
    `devices/uart.ts:2:2
error TV5001: register \`thr\` overlaps \`rbr\` at offset 0
  2 |     thr: wo(0),
    |     ^^^
  \`rbr\` is declared here devices/uart.ts:1:7
  1 | const a = 1;
    |       ^^^
  and nowhere
  \`bank\` called at devices/uart.ts:3:1
  called at devices/uart.ts:8:1
  see docs/diagnostics/TV5001.md

1 error
`,
  );
});

test("of a span over many lines the first four are shown", (t) => {
  const d = diagnostic(
    "this",
    { source, start: source.text.indexOf("foo"), end: source.text.indexOf("last") - 3 },
    {},
  );
  t.true(
    render([d], { displayPath }).includes(`  3 | foo(
    | ^^^^
  4 |   a,
    |   ^^
  5 |   b,
    |   ^^
  6 |   c,
    |   ^^
    | …
`),
  );
});

test("without a place only the message is shown, and an empty span gets one caret", (t) => {
  t.is(
    render([diagnostic("no-such-module", undefined, { path: "a.ts" })]),
    "error TV3006: there is no module `a.ts`\n  see docs/diagnostics/TV3006.md\n\n1 error\n",
  );
  t.true(render([diagnostic("this", { source, start: 0, end: 0 }, {})]).includes("\n    | ^\n"));
});

test("colours mark code and carets only where they are asked for", (t) => {
  const d = diagnostic("this", at("a"), {});
  t.true(render([d], { color: true }).includes("\u001b[31merror TV2005\u001b[0m"));
  t.false(render([d], { color: false }).includes("\u001b"));
});

test("nothing to say is no text at all", (t) => {
  t.is(render([]), "");
});

test("the JSON form has every place as path, line and column", (t) => {
  const d = diagnostic(
    "this",
    at("thr"),
    {},
    { related: [{ message: "here", where: at("last") }], trail: [{ name: "f", span: at("foo") }] },
  );
  t.deepEqual(JSON.parse(JSON.stringify(toJson([d], displayPath))), [
    {
      code: "TV2005",
      name: "this",
      severity: "error",
      message: d.message,
      place: { file: "devices/uart.ts", start: { line: 2, column: 2 }, end: { line: 2, column: 5 } },
      related: [
        {
          message: "here",
          place: { file: "devices/uart.ts", start: { line: 8, column: 1 }, end: { line: 8, column: 5 } },
        },
      ],
      trail: [
        {
          name: "f",
          place: { file: "devices/uart.ts", start: { line: 3, column: 1 }, end: { line: 3, column: 4 } },
        },
      ],
      fix: "take the object as the first parameter",
      page: "docs/diagnostics/TV2005.md",
    },
  ]);
});

test("the same diagnostic of two specialisations is kept once, another place or message is kept", (t) => {
  const all = new Diagnostics();
  all.report("index", at("b"), { range: "[0, 4]", length: "4" });
  all.report("index", at("a"), { range: "[0, 4]", length: "4" });
  all.report("index", at("b"), { range: "[0, 4]", length: "4" });
  all.report("index", at("b"), { range: "[0, 8]", length: "4" });
  t.deepEqual(
    all.all.map((d) => d.message.slice(0, 20)),
    ["the index, in [0, 4]", "the index, in [0, 4]", "the index, in [0, 8]"],
  );
  t.true(all.all[0]!.span!.start < all.all[1]!.span!.start);
});

test("a stage that is ended by diagnostics leaves them behind, any other error passes", (t) => {
  const all = new Diagnostics();
  t.is(
    all.attempt(() => 3),
    3,
  );
  t.is(
    all.attempt(() => {
      throw new DiagnosticError([diagnostic("this", undefined, {}), diagnostic("in", undefined, {})]);
    }),
    undefined,
  );
  t.is(all.all.length, 2);
  t.throws(() => all.throwIfErrors(), { instanceOf: DiagnosticError, message: /TV2005[^]*TV2013/ });
  t.throws(
    () =>
      all.attempt(() => {
        throw new TypeError("a bug");
      }),
    { instanceOf: TypeError },
  );
});

test("positions count from 1 and lead back to their offsets", (t) => {
  for (let offset = 0; offset <= source.text.length; offset++)
    t.is(offsetAt(source, positionAt(source, offset)), offset);
  t.deepEqual(positionAt(source, source.text.indexOf("last")), { line: 8, column: 1 });
});
