/** The baseline of every boot figure: the same kernel and initramfs on the bare emulated machine, without Typevisor. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { bootCounting, expectTicks, tellTicks, ticksEntry } from "../icount.ts";
import { shellPrompt } from "../initramfs.ts";
import { payloadFile, writeInitramfs, type PayloadName } from "../payloads.ts";
import { boot } from "../qemu.ts";
import type { Measurement } from "./figure.ts";

const commandLine = "console=ttyS0";
const memoryMiB = 512;

/** Measures a kernel from its first instruction to the shell prompt: counted exactly, and in seconds. */
export function bareBoot(name: string, kernel: PayloadName): Measurement {
  return {
    name: `boot.${name}.bare`,
    brings: [`boot.${name}`],
    what: `booting ${kernel} to the shell on the bare emulated machine`,
    measure: async () => [
      { name: `boot.${name}.ticks.bare`, value: await countedBoot(kernel), unit: "ticks" },
      { name: `boot.${name}.seconds.bare`, value: await timedBoot(kernel), unit: "s" },
    ],
  };
}

async function countedBoot(kernel: PayloadName): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
  try {
    const initrd = writeInitramfs(join(folder, "initramfs.gz"), {
      entries: [ticksEntry],
      promptCommands: [tellTicks("prompt")],
    });
    const machine = await bootCounting({
      kernel: payloadFile(kernel),
      initrd,
      append: commandLine,
      memoryMiB,
    });
    try {
      return Number(await expectTicks(machine, "prompt"));
    } finally {
      await machine.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timedBoot(kernel: PayloadName): Promise<number> {
  const start = performance.now();
  const machine = await boot({
    kernel: payloadFile(kernel),
    initrd: payloadFile("initramfs.gz"),
    append: commandLine,
    memoryMiB,
  });
  try {
    await machine.expect(shellPrompt);
    return (performance.now() - start) / 1000;
  } finally {
    await machine.kill();
  }
}
