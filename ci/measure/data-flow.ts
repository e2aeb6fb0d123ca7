/**
 * Data through a device of a Linux guest, counted: under Typevisor, and directly on QEMU, whose own virtio devices take no
 * instruction and, told of requests by the CPU that makes them, answer in its time. The difference is the hypervisor's part.
 */
import { join } from "node:path";
import { buildAppliance } from "../boot/appliance.ts";
import { deterministicParameters, expectTicks, tellTicks, ticksEntry } from "../icount.ts";
import { payloadFile, payloadFolder, preparePayloads, unpackModules, writeInitramfs } from "../payloads.ts";
import { boot, type BootOptions } from "../qemu.ts";
import type { Measurement, PeerColumn } from "./figure.ts";
import { UnsteadyRuns } from "./operation-costs.ts";

/** What a guest moves through a device. */
export interface DataFlow {
  /** The beginning of the figures' names. */
  readonly name: string;
  /** What is measured, for the screen. */
  readonly what: string;
  /** The image that boots the guest, and the file of the initramfs among the payloads that it boots. */
  readonly image: string;
  readonly initramfs: string;
  /** Debian's kernel modules, in the order of loading; virtio's own go before them. */
  readonly modules: readonly string[];
  /** Commands of the guest before what is counted, what is counted, and after it, which tells that all has come. */
  readonly before: readonly string[];
  readonly counted: string;
  readonly after: readonly string[];
  /** What the guest says when all has come. */
  readonly whole: RegExp;
  /** What the data is counted in. */
  readonly unit: { readonly name: string; readonly what: string; readonly count: number };
  /** QEMU's arguments for its own devices. */
  readonly bare: readonly string[];
}

const virtioModules = [
  "virtio_ring",
  "virtio",
  "virtio_pci_legacy_dev",
  "virtio_pci_modern_dev",
  "virtio_pci",
];
const limit = { limitMs: 1_200_000 };

/** Measures a flow. */
export function dataFlow(flow: DataFlow, against: readonly PeerColumn[]): Measurement {
  const { name, what, unit } = flow;
  return {
    ...{ name, what, brings: [name] },
    measure: async () => {
      const initrd = await prepare(flow);
      const own = await ofTypevisor(flow);
      const ticks = { name: `${name}.ticks.typevisor`, value: own, unit: "ticks" };
      if (!against.includes("bare")) return [ticks];
      const onQemu: BootOptions = {
        kernel: payloadFile("vmlinuz-cloud"),
        initrd,
        append: `console=ttyS0 ${deterministicParameters}`,
        memoryMiB: 512,
        extra: flow.bare,
      };
      const bare = Math.min(await counted(flow, onQemu), await counted(flow, onQemu));
      return [
        ticks,
        {
          name: `${name}.ticks.bare`,
          value: bare,
          unit: "ticks",
          note: "QEMU's own virtio devices, the less of two runs",
        },
        {
          name: `${name}.${unit.name}.instructions`,
          value: Math.round((own - bare) / unit.count),
          unit: "instructions",
          note: `what ${unit.what} takes more than on QEMU's own devices, which take no instruction`,
        },
        {
          name: `${name}.speed.ratio`,
          value: Number((bare / own).toFixed(3)),
          unit: "times",
          note: "bytes per second, to those of QEMU's own devices",
        },
      ];
    },
  };
}

/** Builds the guest's initramfs into the folder of payloads, and gives its file. */
async function prepare(flow: DataFlow): Promise<string> {
  await preparePayloads();
  const modules = [...virtioModules, ...flow.modules];
  const unpacked = await unpackModules("linux-image-cloud-amd64", modules);
  return writeInitramfs(join(payloadFolder, flow.initramfs), {
    entries: [
      ticksEntry,
      ...modules.map(
        (name) => ({ kind: "file", path: `modules/${name}.ko`, data: unpacked.get(name)! }) as const,
      ),
    ],
    promptCommands: [
      ...modules.map((name) => `insmod /modules/${name}.ko`),
      ...flow.before,
      tellTicks(`before ${flow.name}`),
      flow.counted,
      tellTicks(`after ${flow.name}`),
      ...flow.after,
    ],
  });
}

async function ofTypevisor(flow: DataFlow): Promise<number> {
  const appliance = await buildAppliance(flow.image);
  try {
    return await countedTwice(flow, { kernel: appliance.efi, firmware: "ovmf", memoryMiB: 1024 });
  } finally {
    appliance.remove();
  }
}

/** Twice, and the same twice. */
async function countedTwice(flow: DataFlow, options: BootOptions): Promise<number> {
  const first = await counted(flow, options);
  const second = await counted(flow, options);
  if (first !== second)
    throw new UnsteadyRuns(`${flow.what} took ${first} ticks, and ${second} in the second run`);
  return first;
}

async function counted({ name, whole }: DataFlow, options: BootOptions): Promise<number> {
  const machine = await boot({ ...options, deterministic: true });
  try {
    const before = await expectTicks(machine, `before ${name}`, limit);
    const after = await expectTicks(machine, `after ${name}`, limit);
    await machine.expect(whole, limit);
    return Number(after - before);
  } finally {
    await machine.kill();
  }
}
