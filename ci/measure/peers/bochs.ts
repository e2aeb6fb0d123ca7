/** Typevisor on the second machine, Bochs's AMD model: the same image, on a CPU that saves the next RIP. */
import type { Peer, PreparedBochs } from "./peer.ts";
import { typevisor } from "./typevisor.ts";

export const bochs: Peer<PreparedBochs> = {
  column: "bochs",
  what: "Typevisor on Bochs",
  prepare: async (guest, folder) => {
    const { boot } = await typevisor.prepare(guest, folder);
    if (boot.image === undefined) throw new Error("Typevisor is booted without an image");
    return { bochs: { image: boot.image, cpu: "ryzen", memoryMiB: 512 } };
  },
};
