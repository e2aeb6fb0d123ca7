/** Typevisor on the second machine, Bochs's AMD model: the same image, on a CPU that saves the next RIP. */
import type { Peer, PreparedBochs } from "./peer.ts";
import { buildMeasuringImage } from "./typevisor.ts";

export const bochs: Peer<PreparedBochs> = {
  column: "bochs",
  what: "Typevisor on Bochs",
  prepare: async (_guest, folder) => {
    const { name, img } = await buildMeasuringImage(folder);
    if (img === undefined) throw new Error(`${name} left no disk image`);
    return { bochs: { image: img, cpu: "ryzen", memoryMiB: 512 } };
  },
};
