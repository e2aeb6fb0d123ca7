/**
 * A fixed pool of 4 KiB pages from one contiguous run of memory: what page tables are made of. Pages that come back
 * are kept in a list that runs through the pages themselves.
 */
import { fillBytes, load64, store64 } from "../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../dsl/core/int.ts";
import { struct, type ValueOf } from "../../dsl/core/layout.ts";

export const pageBytes = 4096n;

/** The pool's state; addresses are host-physical. */
export const PagePool = struct("PagePool", {
  /** The first page that was never given out, and the end of the run. */
  next: u64,
  end: u64,
  /** The first page of the list of pages that came back; 0 where there is none. */
  free: u64,
  /** Pages given out now. */
  used: u32,
});
export type PagePool = ValueOf<typeof PagePool>;

/** Gives a pool its run of `pages` pages. */
export function fillPool(pool: PagePool, base: u64, pages: u64): void {
  pool.next = base;
  pool.end = u64(base + pages * pageBytes);
  pool.free = 0n;
  pool.used = 0;
}

/** Takes a zeroed page; 0 where the pool is empty. */
export function takePage(pool: PagePool): u64 {
  let page = pool.free;
  if (page !== 0n) {
    pool.free = load64(page);
  } else {
    page = pool.next;
    if (page >= pool.end) return 0n;
    pool.next = u64(page + pageBytes);
  }
  fillBytes(page, 0, pageBytes);
  pool.used = u32(pool.used + 1);
  return page;
}

/** Gives a page back. */
export function givePage(pool: PagePool, page: u64): void {
  store64(page, pool.free);
  pool.free = page;
  pool.used = u32(pool.used - 1);
}

/** Pages that can still be taken without counting those that came back. */
export function untouchedPages(pool: PagePool): u64 {
  return u64((pool.end - pool.next) >> 12n);
}
