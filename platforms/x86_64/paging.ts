/**
 * The host's own page tables: all memory of the firmware's map, one to one, never both writable and executable; pages
 * of 1 GiB and 2 MiB wherever they fit (APM vol. 2 §5.3). Entries are changed only while the tables are being built or
 * from absent to present, so no other CPU ever needs a shoot-down.
 */
import { load64, store64 } from "../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../dsl/core/int.ts";
import { bool, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { maxRegions, RegionKind, type BootInfo } from "../../kernel/boot.ts";
import { PagePool, takePage } from "./page-pool.ts";

/** Bits of a page-table entry (APM vol. 2 §5.4). */
export const entryBits = Object.freeze({
  present: 1n << 0n,
  writable: 1n << 1n,
  writeThrough: 1n << 3n,
  cacheDisable: 1n << 4n,
  accessed: 1n << 5n,
  dirty: 1n << 6n,
  large: 1n << 7n,
  noExecute: 1n << 63n,
} as const);

// Accessed and dirty are set beforehand, so that the CPU never writes to the tables.
const leaf = entryBits.present | entryBits.accessed | entryBits.dirty;

/** What a mapping allows; never writing and executing at once. */
export const access = Object.freeze({
  none: 0n,
  read: leaf | entryBits.noExecute,
  readWrite: leaf | entryBits.writable | entryBits.noExecute,
  readExecute: leaf,
  /** Uncached: entry 3 of PAT, UC after reset. */
  device: leaf | entryBits.writable | entryBits.noExecute | entryBits.writeThrough | entryBits.cacheDisable,
} as const);

const addressMask = 0x000f_ffff_ffff_f000n;
const tableEntry = entryBits.present | entryBits.writable | entryBits.accessed;

/** One set of page tables. */
export const AddressSpace = struct("AddressSpace", {
  /** Physical address of the topmost table: what CR3 takes. */
  root: u64,
  /** Levels: 4, or 5 where the firmware runs with LA57. */
  levels: u32,
  gigabytePages: bool,
  pool: PagePool,
});
export type AddressSpace = ValueOf<typeof AddressSpace>;

/** Takes the topmost table from the space's pool. False: the pool is empty. */
export function openAddressSpace(space: AddressSpace, levels: u32, gigabytePages: boolean): boolean {
  space.levels = levels;
  space.gigabytePages = gigabytePages;
  space.root = takePage(space.pool);
  return space.root !== 0n;
}

/** Bytes that an entry of a level (1 to 5) spans, as a power of two. */
function shiftOf(level: u32): u64 {
  return u64(3n + 9n * BigInt(level));
}

/** Address of the entry for `address` in the table of a level at `table`. */
function entryAddress(table: u64, address: u64, level: u32): u64 {
  const shift = Math.min(3 + 9 * level, 48);
  return u64(table + (((address >> BigInt(shift)) & 511n) << 3n));
}

/**
 * Address of the entry of `level` that maps `address`; makes the tables above it, and splits what maps it in a larger
 * piece. 0: the pool is empty.
 */
function entryFor(space: AddressSpace, address: u64, level: u32): u64 {
  let table = space.root;
  for (let at = Math.min(space.levels, 5); at > level; at--) {
    const place = entryAddress(table, address, at);
    const entry = load64(place);
    if ((entry & entryBits.present) === 0n) {
      const fresh = takePage(space.pool);
      if (fresh === 0n) return 0n;
      store64(place, u64(fresh | tableEntry));
      table = fresh;
    } else if (at <= 3 && (entry & entryBits.large) !== 0n) {
      const fresh = takePage(space.pool);
      if (fresh === 0n) return 0n;
      split(fresh, entry, at - 1);
      store64(place, u64(fresh | tableEntry));
      table = fresh;
    } else {
      table = u64(entry & addressMask);
    }
  }
  return entryAddress(table, address, level);
}

/** Fills a table of a level (1 or 2) with what one large entry above it maps. */
function split(table: u64, entry: u64, level: u32): void {
  const keptLarge = level === 1 ? 0n : entryBits.large;
  const flags = u64((entry & ~(addressMask | entryBits.large)) | keptLarge);
  const step = level === 1 ? 0x1000n : 0x20_0000n;
  let page = u64(entry & addressMask);
  for (let i = 0; i < 512; i++) {
    store64(u64(table + BigInt(i * 8)), u64(page | flags));
    page = u64(page + step);
  }
}

/**
 * Maps `bytes` bytes at `address` one to one with an access, in place of what was there; `access.none` unmaps. Both are
 * multiples of 4096. False: the pool is empty.
 */
export function mapRange(space: AddressSpace, address: u64, bytes: u64, rights: u64): boolean {
  let at: u64 = address;
  let left: u64 = bytes;
  while (left > 0n) {
    let level: u32 = 1;
    if (space.gigabytePages && (at & 0x3fff_ffffn) === 0n && left >= 0x4000_0000n) level = 3;
    else if ((at & 0x1f_ffffn) === 0n && left >= 0x20_0000n) level = 2;
    let place = entryFor(space, at, level);
    if (place === 0n) return false;
    // A table is there already: what it maps is replaced piece by piece.
    while (level > 1 && isTable(load64(place))) {
      level = level - 1;
      place = entryFor(space, at, level);
      if (place === 0n) return false;
    }
    const size = level === 3 ? 0x4000_0000n : level === 2 ? 0x20_0000n : 0x1000n;
    const large = level === 1 ? 0n : entryBits.large;
    store64(place, rights === 0n ? 0n : u64(at | rights | large));
    at = u64(at + size);
    left = u64(left - size);
  }
  return true;
}

function isTable(entry: u64): boolean {
  return (entry & entryBits.present) !== 0n && (entry & entryBits.large) === 0n;
}

/** Maps registers of a device, uncached, in whole pages. False: the pool is empty. */
export function mapDevice(space: AddressSpace, address: u64, bytes: u64): boolean {
  const base = u64(address & ~0xfffn);
  const end = u64((address + bytes + 0xfffn) & ~0xfffn);
  return mapRange(space, base, u64(end - base), access.device);
}

/** Maps all memory of the firmware's map for reading and writing, except what it reserves. False: the pool is empty. */
export function mapMemory(space: AddressSpace, boot: BootInfo): boolean {
  let base: u64 = 0n;
  let end: u64 = 0n;
  for (let i = 0; i < maxRegions; i++) {
    if (i >= boot.regionCount) break;
    const region = boot.regions[i];
    if (region.kind === RegionKind.reserved) continue;
    if (region.base !== end) {
      if (!mapRange(space, base, u64(end - base), access.readWrite)) return false;
      base = region.base;
    }
    end = u64(region.base + region.bytes);
  }
  return mapRange(space, base, u64(end - base), access.readWrite);
}

/** The entry that maps an address, and its level; an entry of 0 where nothing does. */
export function lookUp(space: AddressSpace, address: u64): { entry: u64; level: u32 } {
  let table = space.root;
  for (let at = Math.min(space.levels, 5); at > 1; at--) {
    const entry = load64(entryAddress(table, address, at));
    if ((entry & entryBits.present) === 0n) return { entry: 0n, level: at };
    if (at <= 3 && (entry & entryBits.large) !== 0n) return { entry, level: at };
    table = u64(entry & addressMask);
  }
  const entry = load64(entryAddress(table, address, 1));
  return { entry: (entry & entryBits.present) === 0n ? 0n : entry, level: 1 };
}

/** How many leaves map something below `end`, and how many of them allow both writing and executing. */
export function countWritableExecutable(space: AddressSpace, end: u64): { leaves: u64; violations: u64 } {
  let leaves: u64 = 0n;
  let violations: u64 = 0n;
  let at: u64 = 0n;
  while (at < end) {
    const { entry, level } = lookUp(space, at);
    if (entry !== 0n) {
      leaves = u64(leaves + 1n);
      if ((entry & entryBits.writable) !== 0n && (entry & entryBits.noExecute) === 0n)
        violations = u64(violations + 1n);
    }
    const size = u64(1n << (shiftOf(level) & 63n));
    at = u64((at & ~(size - 1n)) + size);
  }
  return { leaves, violations };
}
