import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { InputFailure } from "../failure.ts";
import { positionAt } from "../diagnostics/span.ts";
import { loadSources, projectRootOf } from "./load.ts";
import { repositoryPath, virtualSources } from "./virtual.ts";

test("a root file brings what it imports, and no declaration files", (t) => {
  const sources = virtualSources({
    "kernel/a.ts": `import { b } from "./b.ts"; b;`,
    "kernel/b.ts": "export const b = 1;",
    "kernel/c.ts": "export {};",
  });
  const paths = sources.files.map((f) => sources.displayPath(f.fileName));
  t.true(
    paths.includes("kernel/a.ts") && paths.includes("kernel/b.ts") && paths.includes("dsl/core/layout.ts"),
  );
  t.false(paths.some((path) => path === "kernel/c.ts" || path.endsWith(".d.ts")));
});

test("types are checked strictly, and Node's are not there", (t) => {
  const sources = virtualSources({
    "kernel/a.ts": `export const a: string = 1;\nexport const f = (x) => x;\nexport const b = process;`,
  });
  t.deepEqual(
    sources
      .typeErrors()
      .map((d) => [
        d.code,
        positionAt(d.span!.source, d.span!.start).line,
        /\(ts\d+\)$/.exec(d.message)?.[0],
      ]),
    [
      ["TV1002", 1, "(ts2322)"],
      ["TV1002", 2, "(ts7006)"],
      ["TV1002", 3, "(ts2591)"],
    ],
  );
});

test("where syntax is wrong, nothing is said about types", (t) => {
  t.deepEqual(
    virtualSources({ "kernel/a.ts": "export const a: string = 1 +;\n" })
      .typeErrors()
      .map((d) => d.code),
    ["TV1001"],
  );
});

test("a root file that does not exist is the input's fault", (t) => {
  t.throws(() => loadSources(["/nowhere/a.ts"]), { instanceOf: InputFailure });
});

test("the project's root is the folder of the nearest tsconfig.json", (t) => {
  t.is(projectRootOf(repositoryPath("kernel/a.ts")), repositoryPath("").replace(/\/$/, ""));
});

test("a remembered check reports the same errors again, and those that an edit elsewhere brings", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = (name: string): string => join(folder, name);
  writeFileSync(file("tsconfig.json"), "{}");
  writeFileSync(file("a.ts"), `import { b } from "./b.ts";\nexport const a: number = b;\n`);
  writeFileSync(file("b.ts"), "export const b = 1;\nexport const wrong: string = 2;\n");
  const check = (): string[] =>
    loadSources([file("a.ts")], { typeCheckMemory: file("memory.json") })
      .typeErrors()
      .map((d) => `${d.span!.source.fileName.slice(folder.length + 1)} ${d.message}`);
  const first = check();
  t.is(first.length, 1);
  t.regex(first[0]!, /^b\.ts Type 'number' is not assignable to type 'string'/);
  t.deepEqual(check(), first);
  writeFileSync(file("b.ts"), `export const b = "text";\n`);
  t.deepEqual(
    check().map((text) => text.split(" ", 1)[0]),
    ["a.ts"],
  );
  writeFileSync(file("b.ts"), "export const b = 2;\n");
  t.deepEqual(check(), []);
});
