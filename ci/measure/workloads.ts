/**
 * Whole workloads in a busybox guest: what a shell does that starts programs, talks through pipes, or computes. They run
 * by themselves before the first prompt and tell the counter around each, since nothing can be typed into a counted run.
 */
import { join } from "node:path";
import { expectTicks, tellTicks, ticksEntry } from "../icount.ts";
import { payloadFolder, preparePayloads, writeInitramfs } from "../payloads.ts";
import type { ExpectOptions } from "../console.ts";
import type { Machine } from "../qemu.ts";
import type { Column, Figure } from "./figure.ts";

const repeat = (times: number, body: string): string =>
  `i=0; while [ $i -lt ${times} ]; do ${body}; i=$((i+1)); done`;

/** By name, as lines of a shell. */
const workloads: Readonly<Record<string, readonly string[]>> = {
  "fork-exec": [repeat(300, "/bin/busybox true")],
  "pipe-ping-pong": [
    "mkfifo /tmp/there /tmp/back",
    "(while read x; do echo $x; done </tmp/there >/tmp/back) &",
    "exec 3>/tmp/there 4</tmp/back",
    repeat(1000, "echo x >&3; read y <&4"),
    "exec 3>&- 4<&-",
  ],
  compute: [`s=0; ${repeat(20_000, "s=$(((s*31+i)%65521))")}`],
};

/** The beginnings of the workloads' figures. */
export const workloadNames = Object.keys(workloads).map((name) => `workload.${name}`);

/** The image that boots the guest under Typevisor. */
export const workloadImage = "ci/boot/images/workload-linux.ts";

/** The guest's command line, apart from what takes chance out of it. */
export const workloadCommandLine = "console=ttyS0";

/** Builds the guest's initramfs into the folder of payloads, and gives its file. */
export async function prepareWorkloads(): Promise<string> {
  await preparePayloads();
  return writeInitramfs(join(payloadFolder, "workload-initramfs.gz"), {
    entries: [ticksEntry],
    promptCommands: [
      tellTicks("prompt"),
      ...Object.entries(workloads).flatMap(([name, lines]) => [
        tellTicks(`before ${name}`),
        ...lines,
        tellTicks(`after ${name}`),
      ]),
    ],
  });
}

/** Waits until every workload has run, and gives what each took. */
export async function workloadFigures(
  machine: Machine,
  column: Column,
  options: ExpectOptions,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const name of Object.keys(workloads)) {
    const before = await expectTicks(machine, `before ${name}`, options);
    const after = await expectTicks(machine, `after ${name}`, options);
    figures.push({ name: `workload.${name}.ticks.${column}`, value: Number(after - before), unit: "ticks" });
  }
  return figures;
}
