import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { entry, userland } from "./userland.ts";

test("a program comes with its libraries and the loader, each once, where the loader looks for them", (t) => {
  const paths = userland([
    { file: "/bin/cat", path: "bin/cat" },
    { file: "/bin/ls", path: "usr/bin/ls" },
  ]).map(({ path }) => path);
  for (const path of [
    "bin/cat",
    "usr/bin/ls",
    "lib/x86_64-linux-gnu/libc.so.6",
    "lib64/ld-linux-x86-64.so.2",
  ])
    t.is(paths.filter((found) => found === path).length, 1, path);
  t.false(paths.some((path) => path.includes("vdso")));
});

test("what is no program is refused, not left out", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "text"), "no program");
  t.throws(() => userland([{ file: join(folder, "text"), path: "bin/text" }]));
});

test("a file becomes an entry that can be executed", (t) => {
  t.like(entry("bin/cat", "/bin/cat"), { kind: "file", path: "bin/cat", mode: 0o755 });
});
