/** The machine's memory as it is handed out when the guests are built: in chunks that large pages map, each to one owner. */
import { u64 } from "../dsl/core/int.ts";
import { maxRegions, RegionKind, type BootInfo } from "./boot.ts";
import type { Domain } from "./domain.ts";
import { addExtent } from "./slots.ts";

/** The guests' memory lies at multiples of this, so that it can be mapped with large pages. */
const chunk = 0x20_0000n;
const chunkMask = ~(chunk - 1n);

/** Bytes of a usable region that whole chunks cover. */
function chunksIn(base: u64, bytes: u64): { readonly base: u64; readonly bytes: u64 } {
  const start = u64(u64(base + chunk - 1n) & chunkMask);
  const end = u64(u64(base + bytes) & chunkMask);
  return end > start ? { base: start, bytes: u64(end - start) } : { base: start, bytes: 0n };
}

/** Bytes that can be handed out. */
export function availableBytes(boot: BootInfo): u64 {
  let available: u64 = 0n;
  const count = Math.min(boot.regionCount, maxRegions);
  for (let i = 0; i < count; i++) {
    const region = boot.regions[i];
    if (region.kind === RegionKind.usable)
      available = u64(available + chunksIn(region.base, region.bytes).bytes);
  }
  return available;
}

/** Takes `bytes` for a domain from the usable regions, and takes them out of the map; false where there is too little. */
export function giveMemory(domain: Domain, boot: BootInfo, bytes: u64): boolean {
  let missing: u64 = bytes;
  const count = Math.min(boot.regionCount, maxRegions);
  // From the top: what lies low is scarcer.
  for (let i = 0; i < count; i++) {
    const region = boot.regions[count - 1 - i];
    if (missing === 0n) return true;
    if (region.kind === RegionKind.usable) {
      const room = chunksIn(region.base, region.bytes);
      if (room.bytes > 0n) {
        const taken = room.bytes < missing ? room.bytes : missing;
        if (!addExtent(domain.slots, domain.index, room.base, taken)) return false;
        // The chunks before what is left are given away or too small to be of use.
        const end = u64(region.base + region.bytes);
        region.base = u64(room.base + taken);
        region.bytes = u64(end - region.base);
        missing = u64(missing - taken);
      }
    }
  }
  return missing === 0n;
}

/** Takes a run of `bytes` from the usable regions for what guests share; 0 where there is none that long. */
export function takeRun(boot: BootInfo, bytes: u64): u64 {
  const count = Math.min(boot.regionCount, maxRegions);
  for (let i = 0; i < count; i++) {
    const region = boot.regions[count - 1 - i];
    const room = chunksIn(region.base, region.bytes);
    if (region.kind === RegionKind.usable && room.bytes >= bytes) {
      const end = u64(region.base + region.bytes);
      region.base = u64(room.base + bytes);
      region.bytes = u64(end - region.base);
      return room.base;
    }
  }
  return 0n;
}
