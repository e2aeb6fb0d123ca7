/** The emulated machine without a hypervisor: what the operations cost by themselves. */
import type { Peer } from "./peer.ts";

export const bare: Peer = {
  column: "bare",
  what: "the bare emulated machine",
  prepare: ({ commandLine, ...guest }) =>
    Promise.resolve({ boot: { ...guest, append: commandLine, deterministic: true } }),
};
