/**
 * Nested page tables: the host's four-level format, one set per domain, built from its slots before it runs, so no
 * access to memory ever faults first. Pages are as large as the slots and extents allow (1 GiB, 2 MiB, 4 KiB). What is
 * no memory is not mapped and exits as a nested page fault (APM vol. 2 §15.25).
 */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { addressOf, fillBytes, load64, store64 } from "../../../dsl/core/intrinsics.ts";
import { findSlot, isWritable, maxSlots, resolve, type SlotTable } from "../../../kernel/slots.ts";

/** Entries of a table. */
const entryCount = 512;

/** A page of the pool. */
export const TablePage = struct("TablePage", { entries: array(u64, 512) }, { align: 4096 });
export type TablePage = ValueOf<typeof TablePage>;

/** Pages for tables, fixed in number; pages that come back are kept in a list through their first entry. */
export interface TablePool {
  readonly pages: { readonly length: number; [index: number]: TablePage };
  readonly state: PoolState;
}
export const PoolState = struct("PoolState", { used: u32, freeList: u64 });
export type PoolState = ValueOf<typeof PoolState>;

const present = 0x1n;
const writable = 0x2n;
const user = 0x4n;
const accessed = 0x20n;
const dirty = 0x40n;
const large = 0x80n;
const noExecute = 1n << 63n;
const addressMask = 0x000f_ffff_ffff_f000n;

/** Operations on one pool. */
export interface NestedTables {
  /** Makes an empty root and returns its address; 0 where the pool is exhausted. */
  create(): u64;
  /** Maps all memory slots; false where the pool is exhausted. `gigabyte` allows 1 GiB pages. */
  build(root: u64, slots: SlotTable, gigabyte: boolean): boolean;
  /** Maps `[gpa, gpa + bytes)` as the slots say now; false where the pool is exhausted. */
  refresh(root: u64, slots: SlotTable, gpa: u64, bytes: u64, gigabyte: boolean): boolean;
  /**
   * Maps the page at `gpa` as the slots say now, as a part of a 2 MiB page where it can be one again, or of as large a gap
   * where nothing is; false where the pool is exhausted. Without loops over memory: an exit may do it.
   */
  refreshPage(root: u64, slots: SlotTable, gpa: u64): boolean;
  /** Gives back every table below a root; the root itself stays, empty. */
  clear(root: u64): void;
  /** Pages of the pool that are in no use. */
  freePages(): u32;
  /** The entry that maps an address, and its page size; 0 where it is not mapped. For tests and notices. */
  lookup(root: u64, gpa: u64): { readonly entry: u64; readonly bytes: u64 };
}

/** Largest page that fits an address, a host address and a length: 1 GiB, 2 MiB or 4 KiB. */
function pageSize(gpa: u64, hpa: u64, bytes: u64, gigabyte: boolean): u64 {
  const both = u64(gpa | hpa);
  if (gigabyte && (both & 0x3fff_ffffn) === 0n && bytes >= 0x4000_0000n) return 0x4000_0000n;
  if ((both & 0x1f_ffffn) === 0n && bytes >= 0x20_0000n) return 0x20_0000n;
  return 0x1000n;
}

/** Address of the entry for `gpa` in a table whose entries each cover `1 << shift` bytes. */
function entryAt(table: u64, gpa: u64, shift: 12 | 21 | 30 | 39): u64 {
  if (shift === 39) return u64(table + (((gpa >> 39n) & 511n) << 3n));
  if (shift === 30) return u64(table + (((gpa >> 30n) & 511n) << 3n));
  if (shift === 21) return u64(table + (((gpa >> 21n) & 511n) << 3n));
  return u64(table + (((gpa >> 12n) & 511n) << 3n));
}

/** Builds the operations on a pool. */
export function nestedTables(pool: TablePool): NestedTables {
  const pages = pool.pages;
  const state = pool.state;
  const capacity = pages.length;

  const take = (): u64 => {
    const free = state.freeList;
    if (free !== 0n) {
      state.freeList = load64(free);
      store64(free, 0n);
      return free;
    }
    const index = state.used;
    if (index >= capacity) return 0n;
    state.used = u32(index + 1);
    const page = addressOf(pages[index]);
    fillBytes(page, 0, 4096n);
    return page;
  };

  const giveBack = (page: u64): void => {
    fillBytes(page, 0, 4096n);
    store64(page, state.freeList);
    state.freeList = page;
  };

  /** The table below an entry, made where there is none; 0 where the pool is exhausted. A large page there is split. */
  const below = (entry: u64, childBytes: u64): u64 => {
    const value = load64(entry);
    if ((value & present) !== 0n && (value & large) === 0n) return u64(value & addressMask);
    const table = take();
    if (table === 0n) return 0n;
    if ((value & present) !== 0n) {
      const flags = childBytes === 0x1000n ? u64(value & 0x7fn) : u64(value & 0xffn);
      let target = u64(value & addressMask);
      for (let i = 0; i < entryCount; i++) {
        store64(u64(table + BigInt(i) * 8n), u64(target | flags | (value & noExecute)));
        target = u64(target + childBytes);
      }
    }
    store64(entry, u64(table | present | writable | user | accessed));
    return table;
  };

  /** Gives back the tables that an entry at a level leads to. `level` 3 covers 512 GiB. */
  const dropTable2 = (entry: u64): void => {
    const value = load64(entry);
    if ((value & present) !== 0n && (value & large) === 0n) giveBack(u64(value & addressMask));
    store64(entry, 0n);
  };
  const dropTable3 = (entry: u64): void => {
    const value = load64(entry);
    if ((value & present) !== 0n && (value & large) === 0n) {
      const table = u64(value & addressMask);
      for (let i = 0; i < entryCount; i++) dropTable2(u64(table + BigInt(i) * 8n));
      giveBack(table);
    }
    store64(entry, 0n);
  };
  const dropTable4 = (entry: u64): void => {
    const value = load64(entry);
    if ((value & present) !== 0n) {
      const table = u64(value & addressMask);
      for (let i = 0; i < entryCount; i++) dropTable3(u64(table + BigInt(i) * 8n));
      giveBack(table);
    }
    store64(entry, 0n);
  };

  /** Sets the leaf of one page; false where the pool is exhausted. */
  const setLeaf = (root: u64, gpa: u64, bytes: u64, leaf: u64): boolean => {
    const table3 = below(entryAt(root, gpa, 39), 0x4000_0000n);
    if (table3 === 0n) return false;
    const entry3 = entryAt(table3, gpa, 30);
    if (bytes === 0x4000_0000n) {
      dropTable3(entry3);
      store64(entry3, leaf);
      return true;
    }
    const table2 = below(entry3, 0x20_0000n);
    if (table2 === 0n) return false;
    const entry2 = entryAt(table2, gpa, 21);
    if (bytes === 0x20_0000n) {
      dropTable2(entry2);
      store64(entry2, leaf);
      return true;
    }
    const table1 = below(entry2, 0x1000n);
    if (table1 === 0n) return false;
    store64(entryAt(table1, gpa, 12), leaf);
    return true;
  };

  const leafOf = (hpa: u64, kind: u32, size: u64): u64 => {
    const rights = isWritable(kind) ? writable : 0n;
    return u64(hpa | present | user | accessed | dirty | rights | size);
  };

  const refresh = (root: u64, slots: SlotTable, gpa: u64, bytes: u64, gigabyte: boolean): boolean => {
    let done: u64 = 0n;
    while (done < bytes) {
      const address = u64(gpa + done);
      const rest = u64(bytes - done);
      const place = resolve(slots, address);
      const run = place.bytes < rest ? place.bytes : rest;
      let step: u64 = 0x1000n;
      if (run >= 0x1000n) {
        step = pageSize(address, place.hpa, run, gigabyte);
        const leaf = leafOf(place.hpa, place.kind, step === 0x1000n ? 0n : large);
        if (!setLeaf(root, address, step, leaf)) return false;
      } else if (!setLeaf(root, address, 0x1000n, 0n)) {
        return false;
      }
      done = u64(done + step);
    }
    return true;
  };

  const refreshPage = (root: u64, slots: SlotTable, gpa: u64): boolean => {
    const page = u64(gpa & ~0xfffn);
    const around = u64(gpa & ~0x1f_ffffn);
    const whole = resolve(slots, around);
    if (whole.bytes >= 0x20_0000n && (whole.hpa & 0x1f_ffffn) === 0n)
      return setLeaf(root, around, 0x20_0000n, leafOf(whole.hpa, whole.kind, large));
    const gap = findSlot(slots, around);
    if (gap.slot === null && gap.bytes >= 0x20_0000n) return setLeaf(root, around, 0x20_0000n, 0n);
    const place = resolve(slots, page);
    return setLeaf(root, page, 0x1000n, place.bytes >= 0x1000n ? leafOf(place.hpa, place.kind, 0n) : 0n);
  };

  return {
    refreshPage,
    create(): u64 {
      return take();
    },
    refresh,
    build(root: u64, slots: SlotTable, gigabyte: boolean): boolean {
      const count = Math.min(slots.slotCount, maxSlots);
      for (let i = 0; i < count; i++) {
        const slot = slots.slots[i];
        const first = resolve(slots, slot.gpa);
        if (first.bytes > 0n && !refresh(root, slots, slot.gpa, slot.bytes, gigabyte)) return false;
      }
      return true;
    },
    clear(root: u64): void {
      for (let i = 0; i < entryCount; i++) dropTable4(u64(root + BigInt(i) * 8n));
    },
    freePages(): u32 {
      let pages = u32(capacity - Math.min(state.used, capacity));
      let page = state.freeList;
      for (let i = 0; i < capacity; i++) {
        if (page === 0n) break;
        pages = u32(pages + 1);
        page = load64(page);
      }
      return pages;
    },
    lookup(root: u64, gpa: u64): { readonly entry: u64; readonly bytes: u64 } {
      const entry4 = load64(entryAt(root, gpa, 39));
      if ((entry4 & present) === 0n) return { entry: 0n, bytes: 0n };
      const entry3 = load64(entryAt(u64(entry4 & addressMask), gpa, 30));
      if ((entry3 & present) === 0n) return { entry: 0n, bytes: 0n };
      if ((entry3 & large) !== 0n) return { entry: entry3, bytes: 0x4000_0000n };
      const entry2 = load64(entryAt(u64(entry3 & addressMask), gpa, 21));
      if ((entry2 & present) === 0n) return { entry: 0n, bytes: 0n };
      if ((entry2 & large) !== 0n) return { entry: entry2, bytes: 0x20_0000n };
      const entry1 = load64(entryAt(u64(entry2 & addressMask), gpa, 12));
      if ((entry1 & present) === 0n) return { entry: 0n, bytes: 0n };
      return { entry: entry1, bytes: 0x1000n };
    },
  };
}
