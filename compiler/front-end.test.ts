import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import test, { type ExecutionContext } from "ava";
import { DiagnosticError } from "./diagnostics/diagnostic.ts";
import { runFrontEnd } from "./front-end.ts";
import { repositoryRoot } from "./root.ts";

/** A project outside of the repository; its files may say `REPO` for the way there. */
function project(t: ExecutionContext, files: Readonly<Record<string, string>>): (path: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "tsconfig.json"), "{}");
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text.replaceAll("REPO", relative(dirname(file), repositoryRoot)));
  }
  return (path) => join(folder, path);
}

function refusals(stage: () => unknown): string[] {
  try {
    stage();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.name);
    throw error;
  }
  return [];
}

test("types and strata are refused together, each place once", (t) => {
  const path = project(t, {
    "images/a.ts": `import { readFileSync } from "node:fs";\nexport const wrong: string = 1;\nreadFileSync;`,
  });
  t.deepEqual(
    refusals(() => runFrontEnd(path("images/a.ts"))),
    ["package", "type"],
  );
});

test("what is evaluated first is not run where types are wrong", (t) => {
  const path = project(t, { "images/a.ts": `export const wrong: string = 1;\nthrow new Error("never");` });
  t.deepEqual(
    refusals(() => runFrontEnd(path("images/a.ts"))),
    ["type"],
  );
});

test("a project outside of the repository has strata of its own, and the repository keeps its", (t) => {
  const path = project(t, {
    "images/a.ts": `import { u8 } from "REPO/dsl/core/int.ts";\nimport { model } from "../devices/model.ts";\nexport const x = u8(model());`,
    "devices/model.ts": `export const model = (): number => 300;`,
  });
  const { front, root } = runFrontEnd(path("images/a.ts"));
  t.is(root["x"], 44);
  t.is(front.stratumOf(path("images/a.ts")), "image");
  t.is(front.stratumOf(path("devices/model.ts")), "model");
  t.is(front.stratumOf(join(repositoryRoot, "dsl/core/int.ts")), "dsl");
  t.is(front.displayPath(join(repositoryRoot, "dsl/core/int.ts")), "dsl/core/int.ts");
  t.is(front.displayPath(path("devices/model.ts")), "devices/model.ts");
});

test("a model outside of the repository is held to the strata as well", (t) => {
  const path = project(t, {
    "images/a.ts": `import "../devices/model.ts";`,
    "devices/model.ts": `import { load32 } from "REPO/dsl/core/intrinsics.ts";\nimport { peek } from "../kernel/peek.ts";\npeek(load32);`,
    "kernel/peek.ts": "export const peek = (x: unknown): unknown => x;",
  });
  t.deepEqual(
    refusals(() => runFrontEnd(path("images/a.ts"))),
    ["forbidden-to-models", "import-direction"],
  );
});

test("a refusal of lowering names the calls on the way, and is kept once", (t) => {
  const path = project(t, {
    "images/a.ts": `export const outer = (x: number): number => inner(x);\nconst inner = (x: number): number => x;`,
  });
  const { front, sources, diagnostics } = runFrontEnd(path("images/a.ts"));
  const file = sources.file(path("images/a.ts"))!;
  const statement = file.statements[0]!;
  front.refuse("division", statement, {}, [statement]);
  front.refuse("division", statement, {}, [statement]);
  t.is(diagnostics.all.length, 1);
  t.is(diagnostics.all[0]?.trail.length, 1);
  t.throws(() => front.refuse("no-such-name", statement, {}, []), {
    message: /no-such-name is not in the catalogue/,
  });
});

test("the language's own modules are the realm's, and its registries hold what the program declared", (t) => {
  const path = project(t, {
    "images/a.ts": `import { storage } from "REPO/dsl/core/storage.ts";\nimport { struct } from "REPO/dsl/core/layout.ts";\nimport { u8 } from "REPO/dsl/core/int.ts";\nexport const s = storage("here", struct("S", { a: u8 }));`,
  });
  const { front, root } = runFrontEnd(path("images/a.ts"));
  t.deepEqual(
    front.core.storage.declaredStorage().map((s) => s.name),
    ["here"],
  );
  t.is(front.core.layout.location(root["s"])?.address, front.core.storage.declaredStorage()[0]?.address);
  t.is(front.core.asm, undefined);
});
