import test from "ava";
import { repositoryPath, virtualSources } from "../source/virtual.ts";
import { checkStrata } from "./imports.ts";
import { stratumOfPath } from "./stratum.ts";

function refusalsIn(path: string, text: string, others: Readonly<Record<string, string>> = {}): string[] {
  const sources = virtualSources({ [path]: text, ...others });
  return checkStrata(sources)
    .filter((d) => d.span?.source.fileName === repositoryPath(path))
    .map((d) => d.name);
}

test("the top folder alone decides the stratum, tests and the compiler are in none", (t) => {
  const strata = [
    "devices/uart/uart.ts",
    "kernel/run.ts",
    "platforms/x86_64/svm/vmcb.ts",
    "dsl/core/int.ts",
    "images/a.ts",
    "kernel/run.test.ts",
    "compiler/lang/x.ts",
    "compiler/strata/fixtures/devices/kernel/x.ts",
    "notes.ts",
  ];
  t.deepEqual(strata.map(stratumOfPath), [
    "model",
    "kernel",
    "platform",
    "dsl",
    "image",
    "test",
    "test",
    "model",
    "test",
  ]);
});

const allowed: Readonly<Record<string, readonly string[]>> = {
  images: ["images", "devices", "kernel", "dsl"],
  devices: ["devices", "dsl"],
  kernel: ["kernel", "dsl"],
  "platforms/x86_64": ["platforms/x86_64", "kernel", "dsl"],
  dsl: ["dsl"],
};
for (const from of Object.keys(allowed)) {
  for (const to of [...Object.keys(allowed), "compiler", "platforms/ia64"]) {
    const may = allowed[from]!.includes(to);
    test(`a file of ${from} ${may ? "may" : "may not"} import one of ${to}, not even its types`, (t) => {
      const path = `${from}/a.ts`;
      const up = "../".repeat(from.split("/").length);
      const others = { [`${to}/b.ts`]: "export const b = 1; export type B = number;" };
      for (const text of [
        `import { b } from "${up}${to}/b.ts"; b;`,
        `import type { B } from "${up}${to}/b.ts"; export const a: B = 1;`,
        `export { b } from "${up}${to}/b.ts";`,
        `export const a: import("${up}${to}/b.ts").B = 1;`,
      ]) {
        t.deepEqual(refusalsIn(path, text, others), may ? [] : ["import-direction"], text);
      }
    });
  }
}

test("a comment switches nothing off", (t) => {
  const text = `// @ts-nocheck\n/* eslint-disable */\n// @ts-ignore\nimport { b } from "../kernel/b.ts";\nb;`;
  t.deepEqual(refusalsIn("devices/a.ts", text, { "kernel/b.ts": "export const b = 1;" }), [
    "import-direction",
  ]);
});

test("a test file imports what it wants", (t) => {
  t.deepEqual(
    refusalsIn("devices/a.test.ts", `import "node:fs"; import { b } from "../kernel/b.ts"; b;`, {
      "kernel/b.ts": "export const b = 1;",
    }),
    [],
  );
});

test("what a model may not use it cannot get under another name or through another file of the dsl", (t) => {
  const others = { "dsl/pass-on.ts": `export { load32 as harmless, idiv } from "./core/intrinsics.ts";` };
  t.deepEqual(
    refusalsIn("devices/a.ts", `import { harmless, idiv } from "../dsl/pass-on.ts"; harmless; idiv;`, others),
    ["forbidden-to-models"],
  );
  t.deepEqual(refusalsIn("devices/a.ts", `import * as all from "../dsl/core/storage.ts"; all;`), [
    "forbidden-to-models",
  ]);
  t.deepEqual(refusalsIn("kernel/a.ts", `import { load32 } from "../dsl/core/intrinsics.ts"; load32;`), []);
});

test("a platform may use what all platforms share, but not another one's files", (t) => {
  t.deepEqual(refusalsIn("platforms/x86_64/a.ts", `import { asm } from "../asm.ts"; asm;`), []);
  t.deepEqual(
    refusalsIn("platforms/ia64/a.ts", `import { b } from "../x86_64/b.ts"; b;`, {
      "platforms/x86_64/b.ts": "export const b = 1;",
    }),
    ["import-direction"],
  );
});

test("packages, Node's modules and import() are refused where they are named", (t) => {
  t.deepEqual(refusalsIn("images/a.ts", `import "node:fs"; export * from "some-package";`), [
    "package",
    "package",
  ]);
  t.deepEqual(
    refusalsIn("images/a.ts", `export const later = (): unknown => import("./b.ts");`, {
      "images/b.ts": "export {};",
    }),
    ["dynamic-import"],
  );
});
