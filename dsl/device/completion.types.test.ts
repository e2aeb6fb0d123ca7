import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import ts from "typescript";

const folder = dirname(fileURLToPath(import.meta.url));
const name = join(folder, "completed-sample.ts");

/** A device, with what an author has typed into a handler or into the group `peek`. */
const source = (typed: { readonly body?: string; readonly peek?: string }): string => `
import { bank, bit, bits, bool, device, fifo, line, reserved, ro, rw, timer, u8 } from "./vocabulary.ts";
const shape = device("d", {
  banks: {
    ports: bank(u8, {
      status: ro(0, { flag: bit(0), part: bits(7, 4) }),
      mode: rw(1, { dlab: bit(7), none: reserved(6, 0) }),
      data: rw(2),
    }),
  },
  state: { queue: fifo(u8, 8), irq: line(), late: timer(), told: bool },
});
export const d = shape.implement({
  peek: {${typed.peek ?? ""}},
  written: {
    data(u) {
      ${typed.body ?? "u.told = true;"}
    },
  },
  expire: { late: () => {} },
});
`;

let text = "";
let version = 0;
const config = ts.readConfigFile(resolve(folder, "../../tsconfig.json"), (path) => ts.sys.readFile(path));
const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, resolve(folder, "../.."));
const service = ts.createLanguageService({
  getScriptFileNames: () => [name],
  getScriptVersion: (file) => (file === name ? String(version) : "0"),
  getScriptSnapshot(file) {
    const content = file === name ? text : ts.sys.readFile(file);
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
  },
  getCompilationSettings: () => options,
  getCurrentDirectory: () => folder,
  getDefaultLibFileName: (o) => ts.getDefaultLibFilePath(o),
  fileExists: (file) => file === name || ts.sys.fileExists(file),
  readFile: (file) => ts.sys.readFile(file),
});

/** What is offered behind the text that was typed last. */
function offered(typed: { readonly body?: string; readonly peek?: string }): string[] {
  text = source(typed);
  version++;
  const last = typed.body ?? typed.peek ?? "";
  const position = text.indexOf(last) + last.length;
  const entries = service.getCompletionsAtPosition(name, position, {})?.entries ?? [];
  return entries.map((entry) => entry.name).sort();
}

test.serial("inside a handler, the state offers registers and declared state", (t) => {
  t.deepEqual(offered({ body: "u." }), ["data", "irq", "late", "mode", "queue", "status", "told"]);
});

test.serial("a register offers its fields and its value, and no reserved field", (t) => {
  t.deepEqual(offered({ body: "u.status." }), ["flag", "part", "value"]);
  t.deepEqual(offered({ body: "u.mode." }), ["dlab", "value"]);
});

test.serial("state offers its operations", (t) => {
  t.deepEqual(offered({ body: "u.irq." }), ["level", "set", "wire"]);
  for (const operation of ["pop", "push", "peek", "clear", "count", "empty", "full"])
    t.true(offered({ body: "u.queue." }).includes(operation), operation);
});

test.serial(
  "where a handler is to be named, the registers that may have one are offered, and then the fields",
  (t) => {
    t.deepEqual(offered({ peek: "/*1*/ " }).slice(0, 3), ["data", "mode", "status"]);
    t.deepEqual(offered({ peek: "/*2*/ status: { " }), ["flag", "part"]);
  },
);

/** The lines of the body, counted from 1, at which something is wrong. */
function wrongLines(body: string): number[] {
  text = source({ body });
  version++;
  const file = service.getProgram()!.getSourceFile(name)!;
  const first = file.getLineAndCharacterOfPosition(text.indexOf(body)).line;
  return [...service.getSyntacticDiagnostics(name), ...service.getSemanticDiagnostics(name)].map(
    (d) => file.getLineAndCharacterOfPosition(d.start ?? 0).line - first + 1,
  );
}

for (const [what, body, lines] of [
  ["nothing", "u.status.part = 3;\nu.told = u.mode.dlab;", []],
  ["a field that is not there", "u.told = true;\nu.status.colour = 1;\nu.told = false;", [2]],
  ["a number for a flag", "u.told = true;\nu.told = false;\nu.status.flag = 1;", [3]],
  ["a flag for a number", "u.status.part = u.mode.dlab;\nu.told = true;", [1]],
  ["a reserved field", "u.told = true;\nu.mode.none = 0;", [2]],
  ["an operation that state has not", "u.told = true;\nu.irq.raise();", [2]],
  ["an argument that is missing", "u.queue.push();\nu.told = true;", [1]],
  ["two mistakes", "u.lcr.value = 1;\nu.told = true;\nu.told = 1;", [1, 3]],
] as const) {
  test.serial(`the checker points at the line with ${what}`, (t) => {
    t.deepEqual(wrongLines(body), [...lines]);
  });
}
