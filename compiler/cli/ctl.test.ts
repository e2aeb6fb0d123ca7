import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { InputFailure } from "../failure.ts";
import { control } from "./ctl.ts";

const folder = mkdtempSync(join(tmpdir(), "typevisor-ctl-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** A machine whose serial line says `answer` to every line that it gets. */
async function machine(
  name: string,
  answer: string,
): Promise<{ readonly path: string; readonly server: Server }> {
  const path = join(folder, name);
  const server = createServer((client) => {
    client.on("error", () => undefined);
    client.on("data", (chunk: Buffer) => {
      if (chunk.includes(10) && answer !== "") client.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { path, server };
}
/** What is printed for a command. */
async function printed(socket: string, words: readonly string[], json = false): Promise<string> {
  let text = "";
  await control({ socket, command: words, json, patienceMs: 50 }, (t) => (text += t));
  return text;
}

test("the records of an answer are printed, and nothing else that the line says", async (t) => {
  const { path, server } = await machine("plain", 'guest# \x1e{"guest":"a","restarts":0}\n\x1e{"ok":true}\n');
  t.is(await printed(path, ["list"]), "a  restarts 0\n");
  t.is(await printed(path, ["list"], true), '{"guest":"a","restarts":0}\n');
  server.close();
});

test("a refusal is the command's failure, in the operator's words", async (t) => {
  const { path, server } = await machine("refusing", '\x1e{"ok":false,"error":"it does not run"}\n');
  await t.throwsAsync(printed(path, ["stop", "a"]), { instanceOf: InputFailure, message: "it does not run" });
  server.close();
});

test("where nobody answers, or no machine runs, that is said", async (t) => {
  const { path, server } = await machine("silent", "");
  await t.throwsAsync(printed(path, ["list"]), { instanceOf: InputFailure, message: /nobody answers at/ });
  server.close();
  await t.throwsAsync(printed(join(folder, "none"), ["list"]), { message: /there is no socket/ });
});
