import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import test from "ava";
import { uart16550 } from "../../devices/uart16550.ts";
import { attach } from "./attach.ts";

const file = new URL("../../devices/uart16550.ts", import.meta.url);

/**
 * A debugger, as an editor is one: it speaks the inspector's protocol from another thread, finds the place of a line in what
 * Node runs by the source map, stops there, and looks.
 */
const debuggerText = `
const { Session } = require("node:inspector");
const { SourceMap } = require("node:module");
const { parentPort, workerData } = require("node:worker_threads");
// Keeps the thread alive.
parentPort.on("message", () => {});
const session = new Session();
session.connectToMainThread();
const post = (method, params) => new Promise((resolve, reject) =>
  session.post(method, params, (error, result) => (error ? reject(error) : resolve(result))));
let script;
session.on("Debugger.scriptParsed", ({ params }) => {
  if (params.url === workerData.url) script = params;
});
session.on("Debugger.paused", async ({ params }) => {
  const [frame] = params.callFrames;
  const map = new SourceMap(JSON.parse(Buffer.from(script.sourceMapURL.split(",")[1], "base64")));
  const place = map.findEntry(frame.location.lineNumber, frame.location.columnNumber);
  const value = await post("Debugger.evaluateOnCallFrame", {
    callFrameId: frame.callFrameId, expression: workerData.expression, returnByValue: true });
  parentPort.postMessage({ line: place.originalLine + 1, function: frame.functionName, value: value.result.value });
  await post("Debugger.resume");
});
process.on("unhandledRejection", (error) => { throw error; });
(async () => {
  await post("Debugger.enable");
  if (script === undefined) throw new Error("the device's file is not among the scripts");
  const { scriptSource } = await post("Debugger.getScriptSource", { scriptId: script.scriptId });
  const map = new SourceMap(JSON.parse(Buffer.from(script.sourceMapURL.split(",")[1], "base64")));
  const places = [];
  for (const [lineNumber, text] of scriptSource.split("\\n").entries())
    for (let columnNumber = 0; columnNumber < text.length; columnNumber++) {
      const entry = map.findEntry(lineNumber, columnNumber);
      if (entry.originalLine + 1 === workerData.line) places.push({ lineNumber, columnNumber });
    }
  await post("Debugger.setBreakpointByUrl", { url: workerData.url, ...places[0] });
  parentPort.postMessage("ready");
})();
`;

test("a debugger stops a test in a device's handler by its line of TypeScript, and sees its variables", async (t) => {
  const lines = readFileSync(file, "utf8").split("\n");
  const head = lines.findIndex((text) => text.includes("thr(u, byte)"));
  const line = 1 + lines.findIndex((text, i) => i > head && !text.trim().startsWith("//"));
  t.log(lines[line - 1]);
  const worker = new Worker(debuggerText, {
    eval: true,
    workerData: { url: file.href, line, expression: "byte" },
  });
  t.teardown(() => worker.terminate());
  const messages: unknown[] = [];
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  messages.push(await next());
  const stopped = next();
  const guest = attach(uart16550);
  guest.write("thr", 0x41);
  messages.push(await stopped);
  t.deepEqual(messages, ["ready", { line, function: "thr", value: 0x41 }]);
});
