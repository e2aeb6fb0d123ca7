/** Typevisor with a q35 of its own devices around the measuring guest, which its image declares. */
import { buildImage, type BuildResult } from "../../../compiler/build.ts";
import { repositoryRoot } from "../../../compiler/root.ts";
import { join } from "node:path";
import type { Peer } from "./peer.ts";

const image = "ci/boot/images/measure-exits.ts";

/** Builds Typevisor around the measuring guest, into a folder. */
export function buildMeasuringImage(folder: string): Promise<BuildResult> {
  return buildImage({ image: join(repositoryRoot, image), out: folder, debug: false });
}

export const typevisor: Peer = {
  column: "typevisor",
  what: "Typevisor",
  prepare: async (_guest, folder) => {
    const { efi } = await buildMeasuringImage(folder);
    if (efi === undefined) throw new Error(`${image} left no UEFI application`);
    // The firmware gets it from the emulator at once: when a disk answers is chance, and the time since shows in timers.
    return { boot: { kernel: efi, firmware: "ovmf", memoryMiB: 512, deterministic: true } };
  },
};
