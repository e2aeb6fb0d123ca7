import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { followFile } from "./follow-file.ts";

test("what a file holds and what is appended to it arrives, in order, up to the close", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-follow-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "log");
  writeFileSync(path, "one ");
  let text = "";
  let heard: () => void = () => undefined;
  const followed = followFile(path, (chunk) => {
    text += chunk.toString("latin1");
    heard();
  });
  t.is(text, "one ");
  const change = new Promise<void>((resolve) => (heard = resolve));
  appendFileSync(path, "two ");
  await change;
  t.is(text, "one two ");
  appendFileSync(path, "x".repeat(200_000));
  followed.close();
  t.is(text.length, 8 + 200_000);
  appendFileSync(path, "late");
  followed.close();
  t.is(text.length, 8 + 200_000);
});
