import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import ts from "typescript";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** What the type checker says of the first blocks of code of a page, as files of the repository. */
function saidOf(page: string, paths: readonly string[]): readonly string[] {
  const guide = readFileSync(join(root, "docs/guide", page), "utf8");
  const blocks = [...guide.matchAll(/^```ts\n(.*?)^```/gms)].map((m) => m[1]);
  const files = new Map(paths.map((path, i) => [join(root, path), blocks[i]]));
  const config = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (file) => files.has(resolve(file)) || fileExists(file);
  host.readFile = (file) => files.get(resolve(file)) ?? readFile(file);
  const program = ts.createProgram([...files.keys()], options, host);
  const said = [...files.keys()].flatMap((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  });
  return said.map((d) => ts.flattenDiagnosticMessageText(d.messageText, "\n"));
}

test("the first device of the guide and its test are what the type checker accepts", (t) => {
  t.deepEqual(saidOf("first-device.md", ["devices/echo.ts", "devices/echo.model.test.ts"]), []);
});

test("the guide's device in a guest, its image and its test are what the type checker accepts", (t) => {
  const paths = ["devices/dog.ts", "images/guarded.ts", "devices/dog.model.test.ts"];
  t.deepEqual(saidOf("device-in-a-guest.md", paths), []);
});

test("the guide's table is what the type checker accepts", (t) => {
  t.deepEqual(saidOf("tables.md", ["devices/counter.ts"]), []);
});
