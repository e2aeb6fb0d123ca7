import { appendFileSync, existsSync } from "node:fs";
import { dirname } from "node:path";
import test from "ava";
import { ExitLog } from "./exit-log.ts";

const exit = (rip: string): string => `vmexit(00000072, ${"0".repeat(16)}, ${rip}, ${rip})!\n`;

test("what the emulator logs through the pipe is counted until the mark, whoever writes it, and nothing is left", async (t) => {
  const log = new ExitLog(({ rip }) => rip === 2n);
  t.teardown(() => log.close());
  const path = log.arguments.at(-1)!;
  // Two writers one after the other: the first one's end does not end the log.
  appendFileSync(path, exit("1") + "vmrun! 1000\n" + exit("1"));
  appendFileSync(path, exit("3") + exit("2") + exit("1"));
  t.is((await log.counts)["cpuid"], 3);
  log.close();
  t.false(existsSync(dirname(path)));
});
