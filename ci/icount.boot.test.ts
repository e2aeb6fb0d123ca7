import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { bootCounting, expectTicks, tellTicks, ticksEntry } from "./icount.ts";
import { payloadFile, writeInitramfs } from "./payloads.ts";

test("two counted boots of the cloud kernel say the same, byte for byte, and count alike", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-icount-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const initrd = writeInitramfs(join(folder, "initramfs.gz"), {
    entries: [ticksEntry],
    startCommands: [tellTicks("start"), "poweroff -f"],
  });
  const runs: { console: string; ticks: bigint }[] = [];
  for (const _ of ["first", "second"]) {
    const machine = await bootCounting({
      kernel: payloadFile("vmlinuz-cloud"),
      initrd,
      append: "console=ttyS0",
      memoryMiB: 512,
    });
    t.teardown(() => machine.kill());
    const ticks = await expectTicks(machine, "start");
    await machine.exit();
    runs.push({ console: machine.console, ticks });
  }
  t.true(runs[0].ticks > 100_000_000n);
  t.is(runs[0].ticks, runs[1].ticks);
  t.is(runs[0].console, runs[1].console);
});
