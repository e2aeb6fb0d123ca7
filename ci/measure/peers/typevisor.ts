/** Typevisor with a q35 of its own devices around the measuring guest, which its image declares. */
import { buildImage } from "../../../compiler/build.ts";
import { repositoryRoot } from "../../../compiler/root.ts";
import { join } from "node:path";
import type { Peer } from "./peer.ts";

const image = "ci/boot/images/measure-exits.ts";

export const typevisor: Peer = {
  column: "typevisor",
  what: "Typevisor",
  prepare: async (_guest, folder) => {
    const file = join(repositoryRoot, image);
    const built = await buildImage({ image: file, out: folder, debug: false, checkOnly: false });
    if (built.efi === undefined) throw new Error(`${image} left no UEFI application`);
    // The firmware gets it from the emulator at once: when a disk answers is chance, and the time since shows in timers.
    return { boot: { kernel: built.efi, firmware: "ovmf", memoryMiB: 512, deterministic: true } };
  },
};
