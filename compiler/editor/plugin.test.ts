import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { buildEditor } from "../../ci/build-editor.ts";
import { startNew } from "../scaffold/start.ts";
import { temporaryProject } from "../scaffold/testing/project.ts";
import { startTsServer } from "./testing/tsserver.ts";

interface Place {
  readonly line: number;
  readonly offset: number;
}
interface Shown {
  readonly start: Place;
  readonly end: Place;
  readonly text: string;
  readonly code: number;
  readonly source?: string;
}
interface Fix {
  readonly description: string;
  readonly changes: readonly {
    readonly textChanges: readonly { readonly start: Place; readonly end: Place; readonly newText: string }[];
  }[];
}

test("in an editor a device shows the compiler's errors, their fixes, and completes its state", async (t) => {
  const project = temporaryProject(t);
  startNew("device", "letter-box", project);
  const config = JSON.parse(readFileSync(join(project, "tsconfig.json"), "utf8")) as object;
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ ...config, compilerOptions: { plugins: [{ name: "typevisor-editor" }] } }),
  );
  const file = join(project, "devices/letter-box.ts");
  const original = readFileSync(file, "utf8");
  const wrong = original.replace("u.status.full = true;", "u.data.value = u.data.value + 1;");
  const server = startTsServer(await buildEditor(), project);
  t.teardown(() => server.end());
  server.tell("open", { file, fileContent: wrong, projectRootPath: project });
  t.deepEqual(await server.request<readonly Shown[]>("semanticDiagnosticsSync", { file }), []);
  await server.event("projectsUpdatedInBackground");

  const [shown, ...others] = await server.request<readonly Shown[]>("semanticDiagnosticsSync", { file });
  t.deepEqual(others, []);
  const line = original.slice(0, original.indexOf("u.status.full = true;")).split("\n").length;
  t.deepEqual([shown?.source, shown?.code], ["typevisor", 102_104]);
  t.regex(shown!.text, /^TV2104: a value in \[1, 256\] may not fit `u8`\nfix: /);
  t.deepEqual(
    [shown!.start, shown!.end],
    [
      { line, offset: 22 },
      { line, offset: 38 },
    ],
  );

  const fixes = await server.request<readonly Fix[]>("getCodeFixes", {
    file,
    startLine: line,
    startOffset: 22,
    endLine: line,
    endOffset: 38,
    errorCodes: [shown!.code],
  });
  t.deepEqual(
    fixes.map(({ description, changes }) => [description, changes[0]!.textChanges]),
    [
      [
        "replace it with `u8(u.data.value + 1)`",
        [{ start: shown!.start, end: shown!.end, newText: "u8(u.data.value + 1)" }],
      ],
    ],
  );

  server.tell("updateOpen", {
    openFiles: [{ file, fileContent: original.replace("u.status.full = true;", "u.") }],
  });
  const names = (
    await server.request<{ readonly entries: readonly { readonly name: string }[] }>("completionInfo", {
      file,
      line,
      offset: 9,
    })
  ).entries.map((entry) => entry.name);
  t.deepEqual(names.sort(), ["control", "data", "irq", "status"]);

  server.tell("updateOpen", { openFiles: [{ file, fileContent: original }] });
  t.deepEqual(await server.request<readonly Shown[]>("semanticDiagnosticsSync", { file }), []);
  await server.event("projectsUpdatedInBackground");
  t.deepEqual(await server.request<readonly Shown[]>("semanticDiagnosticsSync", { file }), []);
});
