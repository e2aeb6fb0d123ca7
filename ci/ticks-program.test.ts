import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { ticksMark, ticksProgram } from "./ticks-program.ts";

test("the program prints the host's time-stamp counter as a decimal line, larger each time", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-ticks-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "ticks");
  writeFileSync(file, ticksProgram(), { mode: 0o755 });
  const [first, second] = [0, 1].map(() => execFileSync(file, { encoding: "utf8" }));
  t.regex(first, /^[1-9]\d*\n$/);
  t.true(BigInt(second) > BigInt(first));
});

test("where the program's mark is, there is a CPUID, before it reads the counter", (t) => {
  const file = ticksProgram();
  const at = Number(ticksMark - file.readBigUInt64LE(0x50));
  t.is(file.subarray(at, at + 4).toString("hex"), "0fa20f31");
});
