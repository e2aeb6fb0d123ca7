/**
 * The cloud kernel from its first instruction to the shell's prompt, and workloads there: under Typevisor, under KVM and
 * on the bare emulated machine, with the same initramfs and CPU, one after the other in one run. What comes before is
 * told apart.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { bootAppliance, buildAppliance, type BuiltAppliance } from "../boot/appliance.ts";
import { bootCounting, deterministicParameters, expectTicks } from "../icount.ts";
import { payloadFile } from "../payloads.ts";
import { boot, type Machine } from "../qemu.ts";
import type { Column, Figure, Measurement, Outcome, PeerColumn } from "./figure.ts";
import { firmwareTicks, tellingKernel, tellingTicks } from "./firmware-ticks.ts";
import { kvm } from "./peers/kvm.ts";
import {
  prepareWorkloads,
  workloadCommandLine,
  workloadFigures,
  workloadImage,
  workloadNames,
} from "./workloads.ts";

const bareMiB = 512;
const applianceMiB = 1024;
/** A counted run executes every instruction by itself: on a busy machine it takes minutes. */
const limit = { limitMs: 1_200_000 };

/** Measures the boots, counted and, but for KVM, in seconds. */
export function bootRatio(against: readonly PeerColumn[]): Measurement {
  return {
    name: "boot.shell",
    brings: ["boot.shell", "workload"],
    what: "booting the cloud kernel to the shell, and running workloads there",
    measure: async () => {
      const initrd = await prepareWorkloads();
      return [
        ...(await ofTypevisor()),
        ...(against.includes("bare") ? await ofBare(initrd) : []),
        ...(against.includes("kvm") ? await ofKvm(initrd) : []),
      ];
    },
  };
}

async function ofTypevisor(): Promise<Figure[]> {
  const appliance = await buildAppliance(workloadImage);
  try {
    // The guest's counter starts with the guest.
    const { ticks, workloads } = await counted(
      await bootCounting({ image: appliance.img, memoryMiB: applianceMiB }),
      "typevisor",
    );
    const seconds = await secondsToPrompt(() => bootTimed(appliance));
    return [
      figure("ticks.typevisor", ticks, "ticks"),
      ...workloads,
      figure("seconds.typevisor", seconds.boot, "s"),
      figure("start.seconds.typevisor", seconds.start, "s"),
    ];
  } finally {
    appliance.remove();
  }
}

async function ofBare(initrd: string): Promise<Figure[]> {
  const bare = {
    kernel: payloadFile("vmlinuz-cloud"),
    initrd,
    append: workloadCommandLine,
    memoryMiB: bareMiB,
  };
  const firmware = await firmwareTicks(bareMiB);
  const { ticks, workloads } = await counted(await bootCounting(bare), "bare");
  const seconds = await secondsToPrompt(() => boot(bare));
  return [
    figure("ticks.bare", ticks - firmware, "ticks"),
    ...workloads,
    figure("firmware.ticks.bare", firmware, "ticks"),
    figure("seconds.bare", seconds.boot, "s"),
    figure("start.seconds.bare", seconds.start, "s"),
  ];
}

/** KVM starts the guest's counter with the guest too, and its micro-VMM has firmware. */
async function ofKvm(initrd: string): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
  try {
    const telling = join(folder, "telling");
    writeFileSync(telling, tellingKernel());
    const guest = { commandLine: `${workloadCommandLine} ${deterministicParameters}`, memoryMiB: bareMiB };
    const firmware = await tellingTicks(
      await boot((await kvm.prepare({ ...guest, kernel: telling }, folder)).boot),
    );
    const linux = await kvm.prepare({ ...guest, kernel: payloadFile("vmlinuz-cloud"), initrd }, folder);
    const { ticks, workloads } = await counted(await boot(linux.boot), "kvm");
    return [
      { ...figure("ticks.kvm", ticks - firmware, "ticks"), note: "in a micro-VM, which has no PCI" },
      figure("firmware.ticks.kvm", firmware, "ticks"),
      ...workloads,
    ];
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    return ["boot.shell", ...workloadNames].map((name) => ({ name: `${name}.ticks.kvm`, reason }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function figure(name: string, value: number, unit: string): Figure {
  return { name: `boot.shell.${name}`, value, unit };
}

function bootTimed(appliance: BuiltAppliance): Promise<Machine> {
  return bootAppliance(appliance, { memoryMiB: applianceMiB });
}

/** Ticks to the prompt, and those of the workloads. */
async function counted(
  machine: Machine,
  column: Column,
): Promise<{ ticks: number; workloads: readonly Figure[] }> {
  try {
    const ticks = Number(await expectTicks(machine, "prompt", limit));
    return { ticks, workloads: await workloadFigures(machine, column, limit) };
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
