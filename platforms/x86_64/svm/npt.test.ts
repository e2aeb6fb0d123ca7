import test from "ava";
import { load64 } from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import {
  addExtent,
  addSlot,
  resolve,
  retirePage,
  sharedOwner,
  SlotKind,
  SlotTable,
} from "../../../kernel/slots.ts";
import { nestedTables, PoolState, TablePage } from "./npt.ts";

const mib = 1n << 20n;
const gib = 1n << 30n;

function tables(pages: number) {
  const state = make(PoolState);
  return { ...nestedTables({ pages: make(array(TablePage, pages)), state }), state };
}

/** 4 GiB of RAM from two extents, a hole below 1 MiB and a ROM. */
function slots() {
  const table = make(SlotTable);
  addExtent(table, 0, 4n * gib, 3n * gib);
  addExtent(table, 0, 16n * gib + 2n * mib, 2n * gib);
  addSlot(table, SlotKind.ram, 0, 0n, 0xa_0000n, 0n);
  addSlot(table, SlotKind.ram, 0, mib, 4n * gib - mib, mib);
  addSlot(table, SlotKind.rom, 0, 8n * gib, 2n * mib, 4n * gib);
  return table;
}
const address = (entry: bigint) => entry & 0x000f_ffff_ffff_f000n;
const translate = (npt: ReturnType<typeof tables>, root: bigint, gpa: bigint) => {
  const { entry, bytes } = npt.lookup(root, gpa);
  return address(entry) + (gpa & (bytes - 1n));
};

test("every page of every slot is mapped where the slots say, with the largest page that fits", (t) => {
  const npt = tables(16);
  const root = npt.create();
  t.true(npt.build(root, slots(), true));
  t.is(npt.lookup(root, 0x5000n).bytes, 0x1000n);
  t.is(npt.lookup(root, 2n * mib).bytes, 2n * mib);
  t.is(npt.lookup(root, gib).bytes, gib);
  t.is(address(npt.lookup(root, gib).entry), 5n * gib);
  // The second extent is aligned to 2 MiB alone.
  t.is(npt.lookup(root, 3n * gib).bytes, 2n * mib);
  t.is(address(npt.lookup(root, 3n * gib).entry), 16n * gib + 2n * mib);
});

test("holes are not mapped", (t) => {
  const npt = tables(16);
  const root = npt.create();
  npt.build(root, slots(), true);
  for (const gpa of [0xa_0000n, 0xf_f000n, 4n * gib, 0xfee0_0000n + 4n * gib, 8n * gib + 2n * mib])
    t.is(npt.lookup(root, gpa).entry, 0n, gpa.toString(16));
});

test("ROM is mapped without the right to write", (t) => {
  const npt = tables(16);
  const root = npt.create();
  npt.build(root, slots(), true);
  t.is(npt.lookup(root, 8n * gib).entry & 7n, 5n);
  t.is(npt.lookup(root, gib).entry & 7n, 7n);
});

test("without 1 GiB pages everything is mapped by 2 MiB", (t) => {
  const npt = tables(16);
  const root = npt.create();
  t.true(npt.build(root, slots(), false));
  t.is(npt.lookup(root, gib).bytes, 2n * mib);
});

test("a pool that is too small is told, not overrun", (t) => {
  const npt = tables(2);
  const root = npt.create();
  t.false(npt.build(root, slots(), true));
  t.is(npt.state.used, 2);
});

test("a retired page is taken out of a large page, and its neighbours stay mapped", (t) => {
  const npt = tables(16);
  const table = slots();
  const root = npt.create();
  npt.build(root, table, true);
  const bad = gib + 5n * mib + 0x3000n;
  t.true(retirePage(table, 4n * gib + bad));
  t.true(npt.refresh(root, table, bad, 0x1000n, true));
  t.is(npt.lookup(root, bad).entry, 0n);
  for (const gpa of [bad - 0x1000n, bad + 0x1000n, gib, 2n * gib - 0x1000n]) {
    t.is(translate(npt, root, gpa), 4n * gib + gpa, gpa.toString(16));
  }
});

test("clearing a root gives all its tables back", (t) => {
  const npt = tables(16);
  const root = npt.create();
  npt.build(root, slots(), true);
  const used = npt.state.used;
  npt.clear(root);
  t.is(npt.lookup(root, gib).entry, 0n);
  t.true(npt.build(root, slots(), true));
  t.is(npt.state.used, used);
});

test("a page laid over memory and taken away again is seen, page by page, and gives its table back", (t) => {
  const npt = tables(40);
  const table = slots();
  const root = npt.create();
  npt.build(root, table, true);
  addExtent(table, 0, 0x1234_5000n, 0x1000n);
  const target = table.backedBytes - 0x1000n;
  addSlot(table, SlotKind.none, 1, 0n, 0n, target);
  const overlay = table.slots[table.slotCount - 1];
  let seed = 7n;
  // Pages of a gigabyte are cut into 2 MiB once and for all; those into 4 KiB come back.
  const most = npt.state.used + 3 + 1;
  for (let i = 0; i < 400; i++) {
    seed = (seed * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn;
    const gpa = ((seed >> 20n) % (4n * gib - 2n * mib)) + mib;
    const page = gpa & ~0xfffn;
    overlay.gpa = page;
    overlay.bytes = 0x1000n;
    overlay.kind = SlotKind.overlay;
    t.true(npt.refreshPage(root, table, page));
    t.is(translate(npt, root, page), 0x1234_5000n);
    t.is(npt.lookup(root, page).entry & 7n, 7n);
    overlay.kind = SlotKind.none;
    overlay.bytes = 0n;
    overlay.gpa = 0n;
    // Its neighbours are where they were.
    for (const near of [page - 0x1000n, page + 0x1000n])
      t.is(translate(npt, root, near), resolve(table, near).hpa, near.toString(16));
    t.true(npt.refreshPage(root, table, page));
    t.is(translate(npt, root, page), resolve(table, page).hpa);
  }
  t.true(npt.state.used <= most, `${npt.state.used} pages`);
});

test("memory that moves through a gap leaves no table behind, whatever its pages", (t) => {
  const npt = tables(20);
  const table = slots();
  const root = npt.create();
  npt.build(root, table, true);
  const used = (): number => {
    let free = 0;
    for (let page = npt.state.freeList; page !== 0n && free < 20; page = load64(page)) free++;
    return npt.state.used - free;
  };
  for (const [bytes, step] of [
    [0x3000n, 0x1000n],
    [4n * mib, 2n * mib],
  ] as const) {
    addExtent(table, sharedOwner, 32n * gib, bytes);
    addSlot(table, SlotKind.none, 0, 0n, 0n, table.backedBytes - bytes);
    const slot = table.slots[table.slotCount - 1];
    const refresh = (from: bigint): void => {
      for (let at = 0n; at < bytes; at += step) t.true(npt.refreshPage(root, table, from + at));
    };
    const before = used();
    for (let i = 0n; i < 40n; i++) {
      const gpa = 5n * gib + i * 4n * mib;
      slot.gpa = gpa;
      slot.bytes = bytes;
      slot.kind = SlotKind.shared;
      refresh(gpa);
      t.is(translate(npt, root, gpa + bytes - 1n), 32n * gib + bytes - 1n);
      t.is(npt.lookup(root, gpa).entry & 7n, 7n);
      slot.kind = SlotKind.none;
      slot.gpa = 0n;
      slot.bytes = 0n;
      refresh(gpa);
      for (const at of [0n, bytes - step]) t.is(npt.lookup(root, gpa + at).entry & 1n, 0n);
    }
    t.true(used() <= before + 1, `${used()} pages, and ${before} before`);
  }
});

test("a page that cannot be laid because the pool is exhausted is told", (t) => {
  const npt = tables(4);
  const table = make(SlotTable);
  addExtent(table, 0, 4n * gib, 2n * gib);
  addSlot(table, SlotKind.ram, 0, 0n, 2n * gib, 0n);
  const root = npt.create();
  t.true(npt.build(root, table, true));
  addExtent(table, 0, 0x1234_5000n, 0x1000n);
  addSlot(table, SlotKind.overlay, 1, 0x40_0000n, 0x1000n, 2n * gib);
  t.true(npt.refreshPage(root, table, 0x40_0000n));
  addSlot(table, SlotKind.overlay, 2, 0x80_0000n, 0x1000n, 2n * gib);
  t.false(npt.refreshPage(root, table, 0x80_0000n));
});

test("pages that are in no use are counted: those never taken, and those given back", (t) => {
  const npt = tables(16);
  t.is(npt.freePages(), 16);
  const root = npt.create();
  t.is(npt.freePages(), 15);
  npt.build(root, slots(), true);
  t.is(npt.freePages(), 16 - npt.state.used);
  npt.clear(root);
  t.is(npt.freePages(), 15, "the root stays");
  npt.build(root, slots(), true);
  t.is(npt.freePages(), 16 - npt.state.used);
});
