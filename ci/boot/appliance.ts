/** Building and booting appliances for the boot tests: one build for each file of tests, and as many boots as it needs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildImage, type BuildResult } from "../../compiler/build.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import { shellPrompt } from "../initramfs.ts";
import { boot, type BootOptions, type Machine } from "../qemu.ts";

/** An image that was built into a folder of its own. */
export interface BuiltAppliance {
  /** The disk image. */
  readonly img: string;
  /** The UEFI application. */
  readonly efi: string;
  readonly report: BuildResult["report"];
  /** Deletes what was built. */
  remove(): void;
}

/** Builds an image (a path in the repository, or an absolute one) into a temporary folder. */
export async function buildAppliance(image: string): Promise<BuiltAppliance> {
  const out = mkdtempSync(join(tmpdir(), "typevisor-"));
  const { img, efi, report } = await buildImage({ image: resolve(repositoryRoot, image), out, debug: false });
  return {
    ...{ img, efi, report },
    remove: () => rmSync(out, { recursive: true, force: true }),
  };
}

/** Boots an image on a machine with twice the memory that its guest usually has. */
export function bootAppliance(
  appliance: BuiltAppliance,
  options: Omit<BootOptions, "image"> = {},
): Promise<Machine> {
  return boot({ memoryMiB: 1024, ...options, image: appliance.img });
}

/**
 * Types a command at a shell's prompt and gives what it printed, when the prompt is back. From the first command on the
 * kernel keeps its messages off the console, where they would get between the lines; `dmesg` still has them.
 */
export async function shell(machine: Machine, command: string): Promise<string> {
  // The quotes keep the markers out of the echo of what is typed, which the shell may wrap.
  machine.send(`dmesg -n 1; echo "[""begin""]"; ${command}; echo "[""end""]"\n`);
  await machine.expect(/^\[begin\]\n/m);
  const { before } = await machine.expect(/^\[end\]\n/m);
  await machine.expect(shellPrompt);
  return before;
}
