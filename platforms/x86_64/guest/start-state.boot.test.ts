import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { payloadFolder } from "../../../ci/payloads.ts";
import type { Machine } from "../../../ci/qemu.ts";
import { composeImage } from "../../../compiler/build.ts";
import { linkEfi } from "../../../compiler/link/efi.ts";
import { repositoryRoot } from "../../../compiler/root.ts";
import { withMachine } from "../selftest-boot.ts";
import { infoBytes, startStateElf, startStateFlat, told } from "./testing/start-state.ts";

const kernel = startStateElf();
const moduleText = "what a module holds: 24 B";

/** The images are built for these, and boot what a test puts in their place. */
function preparePayloads(): void {
  mkdirSync(payloadFolder, { recursive: true });
  writeFileSync(join(payloadFolder, "start-state.elf"), kernel);
  writeFileSync(join(payloadFolder, "start-module.txt"), moduleText);
}

type Kind = "pvh" | "multiboot" | "multiboot2";

const built = new Map<string, Uint8Array>();

/** Boots a kernel by a protocol. */
async function withKernel(
  kind: Kind,
  file: Uint8Array,
  use: (machine: Machine) => Promise<void>,
): Promise<void> {
  preparePayloads();
  let efi = built.get(kind);
  if (efi === undefined) {
    const source = join(repositoryRoot, `ci/boot/images/${kind}-payload.ts`);
    efi = linkEfi({ module: composeImage(source, false).module, entry: "efi_main" }).efi;
    built.set(kind, efi);
  }
  const files = [
    { path: `typevisor/${kind}-payload/start-state.elf`, source: file },
    { path: `typevisor/${kind}-payload/start-module.txt`, source: Buffer.from(moduleText) },
  ];
  await withMachine(efi, { memoryMiB: 256, files }, use);
}

/** What the kernel tells from one start to its end. */
interface Told {
  readonly registers: Readonly<Record<(typeof told)[number], number>>;
  readonly info: DataView;
  readonly modules: readonly string[];
  readonly bss: readonly number[];
}

async function readStart(machine: Machine): Promise<Told> {
  const words = async (name: string): Promise<number[]> => {
    const { groups } = await machine.expect(new RegExp(`\\[${name}\\] ((?:[0-9a-f]{8} )+)(?=\\r?\\n)`));
    return groups[0]!
      .trim()
      .split(" ")
      .map((word) => Number.parseInt(word, 16));
  };
  const bytes = (list: readonly number[]): DataView => {
    const view = new DataView(new ArrayBuffer(4 * list.length));
    list.forEach((word, i) => view.setUint32(4 * i, word, true));
    return view;
  };
  const bss = await words("bss");
  const values = await words("registers");
  const info = bytes(await words("info"));
  const modules: string[] = [];
  for (let i = 0; i < 2; i++) modules.push(Buffer.from(bytes(await words("module")).buffer).toString());
  await machine.expect(/\[end\] 5a5a5a5a/);
  const registers = Object.fromEntries(told.map((name, i) => [name, values[i]!])) as Told["registers"];
  return { registers, info, modules, bss };
}

const selectors = ["cs", "ds", "es", "fs", "gs", "ss"] as const;

for (const [kind, format, file] of [
  ["pvh", "an ELF file", kernel],
  ["multiboot", "an ELF file", kernel],
  ["multiboot", "a flat file with address fields", startStateFlat()],
  ["multiboot2", "a flat file with address fields", startStateFlat()],
] as const) {
  test.serial(`a kernel that is ${format} starts by ${kind} in the state that is specified`, async (t) => {
    await withKernel(kind, file, async (machine) => {
      const first = await readStart(machine);
      const { registers: r, info, modules } = first;
      t.is(infoBytes, info.byteLength);
      // PE, and ET, which is fixed to 1.
      t.is(r.cr0, 0x11);
      t.is(r.cr4, 0);
      t.is(r.efer, 0);
      // VM, IF and TF.
      t.is(r.eflags & 0x2_0300, 0);
      for (const s of selectors) {
        // Present, 32-bit, granular; code is read and executed, data is read and written.
        t.is(r[`${s}Rights`] & 0xc0_fa00, s === "cs" ? 0xc0_9a00 : 0xc0_9200, s);
        t.is(r[`${s}Limit`], 0xffff_ffff, s);
      }
      t.is(r.ebx, 0x7000);
      if (kind !== "pvh") t.is(r.eax, kind === "multiboot" ? 0x2bad_b002 : 0x36d7_6289);
      if (kind === "multiboot2") {
        // The command line is the first tag.
        t.deepEqual([info.getUint32(8, true), info.getUint32(12, true)], [1, 28]);
      } else if (kind === "pvh") {
        t.is(info.getUint32(0, true), 0x336e_c578);
        t.deepEqual([info.getUint32(4, true), info.getUint32(12, true)], [1, 2]);
      } else {
        t.is(info.getUint32(0, true), 0x24d);
        t.deepEqual([info.getUint32(4, true), info.getUint32(8, true)], [639, 95 * 1024]);
      }
      t.deepEqual(modules, [moduleText.slice(0, 16), moduleText.slice(0, 16)]);
      // The bytes of its BSS are zero, and again when it is started anew after it has written to them.
      const zeros = Array.from({ length: 16 }, () => 0);
      t.deepEqual(first.bss, zeros);
      machine.send("r");
      t.deepEqual((await readStart(machine)).bss, zeros);
    });
  });
}

/** Kernels that have been exchanged on the EFI system partition, and are none. */
const exchanged: readonly (readonly [string, Kind, (file: Buffer) => void])[] = [
  ["program headers beyond its end", "pvh", (file) => file.writeUInt32LE(0x7fff_ffff, 28)],
  ["a segment over the tables of its guest", "multiboot", (file) => file.writeUInt32LE(0xe_0000, 52 + 12)],
];

for (const [what, kind, change] of exchanged) {
  test.serial(`a kernel with ${what} is refused before the machine is taken over`, async (t) => {
    const file = Buffer.from(kernel);
    change(file);
    await withKernel(kind, file, async (machine) => {
      await machine.expect("payload start-state.elf is no kernel that can be booted");
      t.pass();
    });
  });
}
