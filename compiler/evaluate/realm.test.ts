import test from "ava";
import { DiagnosticError, type Diagnostic } from "../diagnostics/diagnostic.ts";
import { InputFailure } from "../failure.ts";
import { positionAt } from "../diagnostics/span.ts";
import { repositoryPath, virtualSources } from "../source/virtual.ts";
import { forbiddenGlobals } from "./globals.ts";
import { createRealm, evaluate } from "./realm.ts";

function refusalsOf(files: Readonly<Record<string, string>>): readonly Diagnostic[] {
  const sources = virtualSources(files);
  try {
    evaluate(sources, repositoryPath(Object.keys(files)[0]!));
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  throw new Error("nothing was refused");
}

function placeOf(d: Diagnostic | undefined): string {
  if (d?.span === undefined) return "nowhere";
  const { line, column } = positionAt(d.span.source, d.span.start);
  return `${d.span.source.fileName.slice(repositoryPath("").length + 1)}:${line}:${column} ${d.span.source.text.slice(d.span.start, d.span.end)}`;
}

for (const name of [...Object.keys(forbiddenGlobals), "Math.random"]) {
  test(`using ${name} is refused at the place that uses it`, (t) => {
    const [refusal] = refusalsOf({
      "images/a.ts": `export const before = 1;\nexport const used = String(${name});`,
    });
    t.is(refusal?.name, "not-at-build-time");
    t.true(refusal?.message.startsWith(`\`${name}\` `), refusal?.message);
    t.regex(placeOf(refusal), /^images\/a\.ts:2:\d+ /);
  });
}

for (const [name, use] of [
  ["localeCompare", `"a".localeCompare("b")`],
  ["toLocaleString", `(5).toLocaleString()`],
] as const) {
  test(`using ${name} is refused, because it depends on the locale`, (t) => {
    const [refusal] = refusalsOf({ "images/a.ts": `export const used = ${use};` });
    t.is(refusal?.message, `\`${name}\` cannot be used: its results depend on the machine's locale`);
  });
}

test("modules are strict: what is frozen cannot be assigned, and plain calls have no this", (t) => {
  const [refusal] = refusalsOf({
    "images/a.ts": `const o = Object.freeze({ a: 1 }) as { a: number };\no.a = 2;`,
  });
  t.regex(refusal?.message ?? "", /read only property 'a'/);
  t.regex(placeOf(refusal), /^images\/a\.ts:2:/);
  const sources = virtualSources({
    "images/a.ts": `export const self = (function (this: unknown) { return this; })();`,
  });
  t.is(
    evaluate(sources, repositoryPath("images/a.ts")).module(repositoryPath("images/a.ts"))["self"],
    undefined,
  );
});

test("an error is shown where it was thrown, after any number of inserted registrations on the line", (t) => {
  const text = `import { u8 } from "../dsl/core/int.ts";
enum Kind { A, B }
const f = (x: number) => [x].map((y) => y + Kind.B); const g = () => f(1); throw new Error(\`bad \${g()[0]! + u8(1)}\`);`;
  const [refusal] = refusalsOf({ "images/a.ts": text });
  t.is(refusal?.message, "bad 3");
  t.is(placeOf(refusal), "images/a.ts:3:82 new Error(`bad ${g()[0]! + u8(1)}`)");
});

test("an error of the dsl is shown where the dsl was used, with the calls that led there", (t) => {
  const text = `import { struct } from "../dsl/core/layout.ts";
import { u16 } from "../dsl/core/int.ts";
const pair = (name: string) => struct(name, { a: u16, b: u16 }, { size: 3 });
export const S = pair("S");`;
  const [refusal] = refusalsOf({ "kernel/a.ts": text });
  t.is(refusal?.message, "struct S: 3 bytes do not hold its fields, which end at 4");
  t.is(placeOf(refusal), "kernel/a.ts:3:32 struct");
  t.deepEqual(
    refusal?.trail.map(({ name, span }) => [name, positionAt(span.source, span.start)]),
    [["pair", { line: 4, column: 18 }]],
  );
});

test("an error that names declarations is shown at both", (t) => {
  const text = `const declare = (name: string) => ({ name, place: new Error() });
const rbr = declare("rbr");
const thr = declare("thr");
throw Object.assign(new Error("register \`thr\` overlaps \`rbr\` at offset 0"), {
  at: thr.place,
  related: [{ message: "\`rbr\` is declared here", at: rbr.place }],
  fix: "move one of them",
});`;
  const [refusal] = refusalsOf({ "dsl/declare.ts": text });
  t.is(refusal?.name, "declaration");
  t.is(refusal?.fix, "move one of them");
  t.regex(placeOf(refusal), /^dsl\/declare\.ts:1:51/);
  t.is(refusal?.related[0]?.message, "`rbr` is declared here");
  t.truthy(refusal?.related[0]?.span);
});

test("what is thrown without being an Error is told with the file that was evaluated", (t) => {
  const [refusal] = refusalsOf({ "images/a.ts": `throw "just text";` });
  t.is(refusal?.message, "just text");
  t.is(refusal?.span?.source.fileName, repositoryPath("images/a.ts"));
});

test("a module that failed fails again, with the same refusal", (t) => {
  const sources = virtualSources({
    "images/a.ts": `import "./b.ts";`,
    "images/b.ts": `throw new Error("once and for all");`,
  });
  const realm = createRealm(sources);
  for (const path of ["images/a.ts", "images/b.ts", "images/a.ts"]) {
    const error = t.throws(() => realm.module(repositoryPath(path)), { instanceOf: DiagnosticError });
    t.regex(error.message, /once and for all/);
  }
});

test("packages and missing modules are refused", (t) => {
  t.is(refusalsOf({ "images/a.ts": `import "node:fs";` })[0]?.name, "package");
  const [missing] = refusalsOf({ "images/a.ts": `import "./nowhere.ts";` });
  t.is(missing?.message, "there is no module `images/nowhere.ts`");
  t.is(placeOf(missing), 'images/a.ts:1:8 "./nowhere.ts"');
});

test("code from strings is refused", (t) => {
  const [refusal] = refusalsOf({ "images/a.ts": `export const f = new Function("return 1");` });
  t.regex(refusal?.message ?? "", /[Cc]ode generation from strings/);
});

test("two realms share nothing", (t) => {
  const sources = virtualSources({
    "kernel/a.ts": `import { storage } from "../dsl/core/storage.ts"; import { struct } from "../dsl/core/layout.ts"; import { u8 } from "../dsl/core/int.ts"; export const s = storage("s", struct("S", { a: u8 }));`,
  });
  const path = repositoryPath("kernel/a.ts");
  const one = evaluate(sources, path);
  const other = evaluate(sources, path);
  const declared = (realm: typeof one): readonly unknown[] =>
    (realm.core("storage") as { declaredStorage(): readonly unknown[] }).declaredStorage();
  t.is(declared(one).length, 1);
  t.is(declared(other).length, 1);
  t.not(one.module(path).s, other.module(path).s);
});

test("what the host throws about a declaration is shown where the declaration was made, under its own code", (t) => {
  const sources = virtualSources({
    "images/a.ts": `export const one = 1;\nexport const place = new Error("payload");`,
  });
  const path = repositoryPath("images/a.ts");
  const realm = evaluate(sources, path);
  const thrown = Object.assign(new InputFailure("vmlinuz is empty"), {
    code: "TV6102",
    at: realm.module(path)["place"],
  });
  const error = t.throws(
    () =>
      realm.run(path, () => {
        throw thrown;
      }),
    { instanceOf: DiagnosticError },
  );
  const [refusal] = error.diagnostics;
  t.is(refusal?.code, "TV6102");
  t.is(refusal?.message, "vmlinuz is empty");
  t.is(placeOf(refusal), 'images/a.ts:2:22 new Error("payload")');
});
