/**
 * The cloud kernel from its first instruction to the shell's prompt, and workloads there: under Typevisor, under KVM and
 * Xen, and on the bare emulated machine, with the same initramfs and CPU, one after the other in one run, each twice. What
 * comes before is told apart.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { bootAppliance, buildAppliance, type BuiltAppliance } from "../boot/appliance.ts";
import { deterministicParameters } from "../icount.ts";
import { payloadFile } from "../payloads.ts";
import { boot, type BootOptions, type Machine } from "../qemu.ts";
import { prepareVmlinux } from "../vmlinux.ts";
import { countedTwice, exitFigures } from "./counted-boot.ts";
import { exitsBeyond, noExits, type ExitCounts } from "./exit-counts.ts";
import { ExitLog } from "./exit-log.ts";
import type { Figure, Measurement, Outcome, PeerColumn } from "./figure.ts";
import { firmwareTicks, tellingKernel, tellingTicks, tellsTicks } from "./firmware-ticks.ts";
import { keptReason, UnsteadyRuns } from "./operation-costs.ts";
import { kvm } from "./peers/kvm.ts";
import { tellingOuts, withTellingEntry } from "./peers/telling-entry.ts";
import { xen } from "./peers/xen.ts";
import { prepareWorkloads, workloadCommandLine, workloadImage, workloadNames } from "./workloads.ts";

const bareMiB = 512;
const applianceMiB = 1024;

/** Measures the boots, counted and, but for KVM, in seconds. */
export function bootRatio(against: readonly PeerColumn[]): Measurement {
  return {
    name: "boot.shell",
    brings: ["boot.shell", "boot.exits", "workload"],
    what: "booting the cloud kernel to the shell, and running workloads there",
    measure: async () => {
      const initrd = await prepareWorkloads();
      return [
        ...(await ofTypevisor()),
        ...(against.includes("bare") ? await ofBare(initrd) : []),
        ...(against.includes("kvm") ? await absentOnFailure("kvm", (folder) => ofKvm(initrd, folder)) : []),
        ...(against.includes("xen") ? await absentOnFailure("xen", (folder) => ofXen(initrd, folder)) : []),
      ];
    },
  };
}

async function ofTypevisor(): Promise<Figure[]> {
  const appliance = await buildAppliance(workloadImage);
  try {
    // The guest's counter starts with the guest. The firmware gets the image without a disk: when that answers is chance.
    const { ticks, workloads, exits } = await countedTwice(
      { kernel: appliance.efi, firmware: "ovmf", memoryMiB: applianceMiB },
      "typevisor",
    );
    const seconds = await secondsToPrompt(() => bootTimed(appliance));
    return [
      figure("ticks.typevisor", ticks, "ticks"),
      ...workloads,
      ...exitFigures(exits, "typevisor"),
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
    append: `${workloadCommandLine} ${deterministicParameters}`,
    memoryMiB: bareMiB,
  };
  const firmware = await firmwareTicks(bareMiB);
  const { ticks, workloads } = await countedTwice(bare, "bare");
  const seconds = await secondsToPrompt(() => boot(bare));
  return [
    figure("ticks.bare", ticks - firmware, "ticks"),
    ...workloads,
    figure("firmware.ticks.bare", firmware, "ticks"),
    figure("seconds.bare", seconds.boot, "s"),
    figure("start.seconds.bare", seconds.start, "s"),
  ];
}

/** A peer that fails leaves its column empty; one that tells something else each time does not. */
async function absentOnFailure(
  column: PeerColumn,
  measure: (folder: string) => Promise<Outcome[]>,
): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
  try {
    return await measure(folder);
  } catch (error) {
    if (error instanceof UnsteadyRuns) throw error;
    const reason = keptReason(column, error);
    return [...["boot.shell", ...workloadNames].map((name) => `${name}.ticks`), "boot.exits.total"].map(
      (name) => ({ name: `${name}.${column}`, reason }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** KVM starts the guest's counter with the guest too, and its micro-VMM has firmware. */
async function ofKvm(initrd: string, folder: string): Promise<Outcome[]> {
  const telling = join(folder, "telling");
  writeFileSync(telling, tellingKernel());
  const guest = { commandLine: `${workloadCommandLine} ${deterministicParameters}`, memoryMiB: bareMiB };
  const { boot: toldBoot } = await kvm.prepare({ ...guest, kernel: telling }, folder);
  const firmware = await toldFirmware(toldBoot);
  const linux = await kvm.prepare({ ...guest, kernel: payloadFile("vmlinuz-cloud"), initrd }, folder);
  const { ticks, workloads, exits } = await countedTwice(linux.boot, "kvm");
  return [
    { ...figure("ticks.kvm", ticks - firmware.ticks, "ticks"), note: "in a micro-VM, which has no PCI" },
    figure("firmware.ticks.kvm", firmware.ticks, "ticks"),
    ...workloads,
    ...exitFigures(exitsBeyond(exits, firmware.exits), "kvm"),
  ];
}

/** Xen starts the guest's counter before it loads the guest, which tells how far it is when it starts. */
async function ofXen(initrd: string, folder: string): Promise<Outcome[]> {
  const kernel = join(folder, "vmlinux");
  writeFileSync(kernel, withTellingEntry(readFileSync(await prepareVmlinux())));
  const commandLine = `console=hvc0 ${deterministicParameters}`;
  const guest = { kernel, initrd, commandLine, memoryMiB: bareMiB, speaks: true };
  const { boot: linux } = await xen.prepare(guest, folder);
  const { ticks, entry, workloads, exits } = await countedTwice(linux, "xen");
  if (entry === 0) throw new Error("the guest did not tell when it was entered");
  return [
    { ...figure("ticks.xen", ticks - entry, "ticks"), note: "a PVH guest, which has no PCI" },
    ...workloads,
    ...exitFigures(exitsBeyond(exits, { ...noExits, "port-out": tellingOuts }), "xen"),
  ];
}

/** What firmware takes under a hypervisor, up to the kernel's first instruction. */
async function toldFirmware(options: BootOptions): Promise<{ ticks: number; exits: ExitCounts }> {
  const log = new ExitLog(tellsTicks);
  try {
    const machine = await boot({ ...options, extra: [...(options.extra ?? []), ...log.arguments] });
    return { ticks: await tellingTicks(machine), exits: await log.counts };
  } finally {
    log.close();
  }
}

function figure(name: string, value: number, unit: string): Figure {
  return { name: `boot.shell.${name}`, value, unit };
}

function bootTimed(appliance: BuiltAppliance): Promise<Machine> {
  return bootAppliance(appliance, { memoryMiB: applianceMiB });
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
