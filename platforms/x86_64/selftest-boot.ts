/** Builds and boots the self test: for the boot tests of this folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineOptions } from "../../ci/qemu-arguments.ts";
import { boot, type Machine } from "../../ci/qemu.ts";
import { runFrontEnd } from "../../compiler/front-end.ts";
import { writeDiskImage, type PartitionFile } from "../../compiler/image/disk.ts";
import { lowerProgram } from "../../compiler/lang/lower.ts";
import { linkEfi } from "../../compiler/link/efi.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import type { Program } from "../../dsl/core/program.ts";
import type { SelfTestOptions } from "./selftest.ts";

/** The image of a self test. */
export function buildSelfTest(options: SelfTestOptions = {}): Uint8Array {
  const file = join(repositoryRoot, "platforms/x86_64/selftest.ts");
  const frontEnd = runFrontEnd(file);
  const selfTest = frontEnd.root["selfTest"] as (options: SelfTestOptions) => Program;
  const program = frontEnd.realm.run(file, () => selfTest(options));
  return linkEfi({ module: lowerProgram(frontEnd, program, { debug: false }), entry: "efi_main" }).efi;
}

/** Boots an image from a disk, with more files on its partition, for as long as `use` takes. */
export async function withMachine(
  efi: Uint8Array,
  options: MachineOptions & { readonly files?: readonly PartitionFile[] },
  use: (machine: Machine) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  try {
    const image = join(folder, "disk.img");
    const { files, ...machineOptions } = options;
    await writeDiskImage({ efi, files: files ?? [], out: image });
    const machine = await boot({ memoryMiB: 256, ...machineOptions, image });
    try {
      await use(machine);
    } finally {
      await machine.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
