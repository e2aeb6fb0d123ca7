import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import ts from "typescript";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

test("the first device of the guide and its test are what the type checker accepts", (t) => {
  const guide = readFileSync(join(root, "docs/guide/first-device.md"), "utf8");
  const [device, deviceTest] = [...guide.matchAll(/^```ts\n(.*?)^```/gms)].map((m) => m[1]);
  const files = new Map([
    [join(root, "devices/echo.ts"), device],
    [join(root, "devices/echo.model.test.ts"), deviceTest],
  ]);
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
  t.deepEqual(
    said.map((d) => ts.flattenDiagnosticMessageText(d.messageText, "\n")),
    [],
  );
});
