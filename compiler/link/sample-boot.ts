import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boot, type Machine } from "../../ci/qemu.ts";

/** A machine that boots one UEFI application from a directory. */
export interface SampleMachine {
  readonly machine: Machine;
  /** Where the application is, and where a test may put its own files. */
  readonly folder: string;
  /** Ends the machine and deletes the folder. */
  readonly end: () => Promise<void>;
}

/** Boots an application under OVMF; `extra` are QEMU arguments that may depend on the test's folder. */
export async function bootSample(
  efi: Uint8Array,
  extra: (folder: string) => readonly string[] = () => [],
): Promise<SampleMachine> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  const path = join(folder, "esp", "EFI", "BOOT");
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "BOOTX64.EFI"), efi);
  const drive = ["-drive", `format=raw,file=fat:rw:${join(folder, "esp")}`];
  const machine = await boot({
    firmware: "ovmf",
    memoryMiB: 256,
    exitPort: true,
    extra: [...drive, ...extra(folder)],
  });
  const end = async (): Promise<void> => {
    await machine.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { machine, folder, end };
}
