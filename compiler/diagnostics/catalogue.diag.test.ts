import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { repositoryPath } from "../source/virtual.ts";
import { ts } from "../source/ts.ts";
import { catalogue, type DiagnosticName, type Entry } from "./catalogue.ts";
import { diagnosticPage } from "./page.ts";

type AnyEntry = Entry<Readonly<Record<string, string>>>;
const entries = Object.entries(catalogue as unknown as Readonly<Record<DiagnosticName, AnyEntry>>) as [
  DiagnosticName,
  AnyEntry,
][];
const codes = entries.map(([, entry]) => entry.code);

function filesUnder(folder: string, wanted: (name: string) => boolean): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path, wanted) : wanted(entry.name) ? [path] : [];
  });
}

test("no code stands for two things", (t) => {
  t.deepEqual(codes, [...new Set(codes)]);
});

test("every code has a page that is titled with it, and every page a code", (t) => {
  const pages = readdirSync(repositoryPath("docs/diagnostics")).filter((name) => /^TV\d{4}\.md$/.test(name));
  t.deepEqual(pages.sort(), codes.map((code) => `${code}.md`).sort());
  for (const code of codes) {
    const path = repositoryPath(diagnosticPage(code));
    if (existsSync(path))
      t.regex(readFileSync(path, "utf8"), new RegExp(`^# ${code}: [^\\n]+\\n\\n[^\\n]`), code);
  }
});

/** What no fixture can provoke, and why. */
const withoutFixture: Readonly<Partial<Record<DiagnosticName, string>>> = {
  "bigint-index": "TypeScript refuses the index first",
  "assign-outer": "a captured binding that is assigned is refused as a capture, any other by TypeScript",
  "payload-missing": "compiler/image/payload-check.test.ts",
  "payload-empty": "compiler/image/payload-check.test.ts",
  "payload-truncated": "compiler/image/payload-check.test.ts",
  "no-bzimage": "compiler/image/payload-check.test.ts",
  "boot-protocol": "compiler/image/payload-check.test.ts",
  "no-initrd": "compiler/image/payload-check.test.ts",
  "payload-memory": "compiler/image/payload-check.test.ts",
  "command-line-length": "compiler/image/payload-check.test.ts",
  "no-executable": "compiler/image/executable.test.ts",
  "no-pvh-entry": "compiler/image/executable.test.ts",
  "no-multiboot-header": "compiler/image/executable.test.ts",
  "entry-outside": "compiler/image/executable.test.ts",
  "segment-place": "compiler/image/executable.test.ts",
  "disk-sectors": "compiler/image/payload-check.test.ts",
  "no-firmware": "compiler/image/payload-check.test.ts",
};

test("every code is provoked by a fixture, or by the test that is named here", (t) => {
  const folder = repositoryPath("compiler/diagnostics/fixtures");
  const fixtures = filesUnder(folder, (name) => name.endsWith(".ts"))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  for (const [name, { code }] of entries) {
    const reason = withoutFixture[name];
    t.is(fixtures.includes(`// ${code}`), reason === undefined, `${code} ${name}`);
    if (reason?.endsWith(".test.ts"))
      t.true(readFileSync(repositoryPath(reason), "utf8").includes(code), `${reason} has no ${code}`);
  }
});

test("messages start in lower case or with a quotation, and end without a full stop", (t) => {
  const args = new Proxy({}, { get: (_, name) => (typeof name === "string" ? "8" : undefined) });
  for (const [name, { message, fix }] of entries) {
    for (const text of [message(args), ...(fix === undefined ? [] : [fix(args)])]) {
      t.regex(text, /^[a-z0-9`]/, `${name}: ${text}`);
      t.regex(text, /[^.\s]$/, `${name}: ${text}`);
      t.is(text.split("`").length % 2, 1, `a backquote is open in ${name}: ${text}`);
    }
  }
});

test("what lowering refuses is in the catalogue, with the arguments that the message takes", (t) => {
  let calls = 0;
  for (const path of filesUnder(repositoryPath("compiler/lang"), (name) => name.endsWith(".ts"))) {
    const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true);
    const visit = (node: ts.Node): void => {
      ts.forEachChild(node, visit);
      if (!ts.isCallExpression(node) || !/\.refuse$/.test(node.expression.getText(file))) return;
      const [name, , args] = node.arguments;
      if (name === undefined || !ts.isStringLiteral(name)) return;
      const where = `${path}:${file.getLineAndCharacterOfPosition(node.pos).line + 1} ${name.text}`;
      const entry = (catalogue as unknown as Record<string, AnyEntry | undefined>)[name.text];
      if (entry === undefined) return t.fail(`${where} is not in the catalogue`);
      calls++;
      if (args !== undefined && !ts.isObjectLiteralExpression(args)) return;
      const given = (args?.properties ?? []).map((p) => p.name?.getText() ?? "");
      const taken = new Set<string>();
      const record = new Proxy({}, { get: (_, key) => (taken.add(String(key)), "8") });
      entry.message(record);
      entry.fix?.(record);
      t.deepEqual(
        [...taken].filter((key) => !given.includes(key)),
        [],
        where,
      );
    };
    visit(file);
  }
  t.true(calls > 50);
});
