/**
 * The cloud kernel from its first instruction to the shell's prompt: under Typevisor against the bare emulated machine,
 * with the same initramfs and CPU, one after the other in one run. Firmware and Typevisor's own start are told apart.
 */
import { performance } from "node:perf_hooks";
import { bootAppliance, buildAppliance, type BuiltAppliance } from "../boot/appliance.ts";
import { countedImage, prepareCountedInitramfs } from "../boot/counted.ts";
import { bootCounting, expectTicks } from "../icount.ts";
import { payloadFile } from "../payloads.ts";
import { boot, type Machine } from "../qemu.ts";
import type { Figure, Measurement } from "./figure.ts";
import { firmwareTicks } from "./firmware-ticks.ts";

const commandLine = "console=ttyS0";
const bareMiB = 512;
const applianceMiB = 1024;
/** A counted run executes every instruction by itself: on a busy machine it takes minutes. */
const limit = { limitMs: 1_200_000 };

/** Measures both boots, counted and in seconds. */
export const bootRatio: Measurement = {
  name: "boot.shell",
  brings: ["boot.shell"],
  what: "booting the cloud kernel under Typevisor and on the bare machine",
  measure: async () => {
    const initrd = await prepareCountedInitramfs();
    const bare = { kernel: payloadFile("vmlinuz-cloud"), initrd, append: commandLine, memoryMiB: bareMiB };
    const appliance = await buildAppliance(countedImage);
    try {
      const [firmware, ofBare, ofTypevisor] = [
        await firmwareTicks(bareMiB),
        await ticksToPrompt(await bootCounting(bare)),
        // The guest's counter starts with the guest.
        await ticksToPrompt(await bootCounting({ image: appliance.img, memoryMiB: applianceMiB })),
      ];
      const bareSeconds = await secondsToPrompt(() => boot(bare));
      const typevisorSeconds = await secondsToPrompt(() => bootTimed(appliance));
      return [
        figure("ticks.typevisor", ofTypevisor, "ticks"),
        figure("ticks.bare", ofBare - firmware, "ticks"),
        figure("firmware.ticks.bare", firmware, "ticks"),
        figure("seconds.typevisor", typevisorSeconds.boot, "s"),
        figure("seconds.bare", bareSeconds.boot, "s"),
        figure("start.seconds.typevisor", typevisorSeconds.start, "s"),
        figure("start.seconds.bare", bareSeconds.start, "s"),
      ];
    } finally {
      appliance.remove();
    }
  },
};

function figure(name: string, value: number, unit: string): Figure {
  return { name: `boot.shell.${name}`, value, unit };
}

function bootTimed(appliance: BuiltAppliance): Promise<Machine> {
  return bootAppliance(appliance, { memoryMiB: applianceMiB });
}

async function ticksToPrompt(machine: Machine): Promise<number> {
  try {
    return Number(await expectTicks(machine, "prompt", limit));
  } finally {
    await machine.kill();
  }
}

/** Seconds to the kernel's first line, and from there to the prompt. */
async function secondsToPrompt(start: () => Promise<Machine>): Promise<{ start: number; boot: number }> {
  const began = performance.now();
  const machine = await start();
  try {
    await machine.expect("Linux version");
    const kernel = performance.now();
    await machine.expect("ticks prompt");
    return { start: (kernel - began) / 1000, boot: (performance.now() - kernel) / 1000 };
  } finally {
    await machine.kill();
  }
}
