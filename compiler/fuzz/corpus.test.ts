import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { uart16550 } from "../../devices/uart16550.ts";
import { ActionWords } from "../../dsl/testing/action-text.ts";
import { reachOf } from "../../dsl/testing/reach.ts";
import { InputFailure } from "../failure.ts";
import { repositoryPath } from "../source/virtual.ts";
import { parseInputs, readCorpus } from "./corpus.ts";

const device = uart16550 as never;
const words = new ActionWords(device, reachOf(device, []));
const kept = readFileSync(repositoryPath("devices/corpus/uart16550/reached.actions"), "utf8").slice(0, 4000);

test("a corpus file with any bit flipped is refused with its file and line, or every line is an action", (t) => {
  let refused = 0;
  const tries = (text: string): void => {
    try {
      const inputs = parseInputs(words, text, "f.actions");
      t.true(inputs.every((input) => input.length > 0));
    } catch (error) {
      if (!(error instanceof InputFailure)) throw error;
      refused++;
      t.regex(error.message, /^f\.actions(:\d+)?: [^\n]+$/);
    }
  };
  for (let at = 0; at < kept.length; at++)
    tries(
      kept.slice(0, at) + String.fromCharCode(kept.charCodeAt(at) ^ (1 << (at % 8))) + kept.slice(at + 1),
    );
  for (let length = 0; length < 400; length++) tries(kept.slice(0, length));
  t.true(refused > 1000, `${refused} refused`);
});

test("a folder with a corrupted file, or one of another device, is refused as it is", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-corpus-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "a.actions"), "write lcr 0x83\n");
  writeFileSync(join(folder, "b.actions"), "write lcr 0x83\n\nwrite config[0] 0x1\n");
  t.throws(() => readCorpus(words, folder), {
    instanceOf: InputFailure,
    message: /b\.actions:3: uart16550 has no register `config\[0\]`/,
  });
  t.deepEqual(readdirSync(folder), ["a.actions", "b.actions"]);
  t.is(readFileSync(join(folder, "b.actions"), "utf8"), "write lcr 0x83\n\nwrite config[0] 0x1\n");
});
