/** The emulated machine without a hypervisor: what the operations cost by themselves. */
import { measureWord, type Peer } from "./peer.ts";

export const bare: Peer = {
  column: "bare",
  what: "the bare emulated machine",
  prepare: ({ elf }) =>
    Promise.resolve({ boot: { kernel: elf, append: measureWord, memoryMiB: 64, deterministic: true } }),
};
