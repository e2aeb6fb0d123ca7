import test from "ava";
import { make, viewAt } from "../dsl/core/layout.ts";
import { array } from "../dsl/core/layout.ts";
import { u8 } from "../dsl/core/int.ts";
import { addressOf } from "../dsl/core/intrinsics.ts";
import {
  addExtent,
  addSlot,
  clearPiece,
  clearVolatilePiece,
  copyFromGuest,
  copyToGuest,
  ExtentState,
  findSlot,
  maxExtents,
  maxSlots,
  readGuest,
  resolve,
  retirePage,
  SlotKind,
  SlotTable,
  writeGuest,
} from "./slots.ts";

const page = 4096;

/** Two extents that do not touch, RAM over both with a hole, a ROM, an alias and an MMIO window. */
function scene() {
  const table = make(SlotTable);
  const host = (addressOf(make(array(u8, 17 * page))) + 0xfffn) & ~0xfffn;
  addExtent(table, 0, host, BigInt(4 * page));
  addExtent(table, 0, host + BigInt(8 * page), BigInt(4 * page));
  addSlot(table, SlotKind.ram, 0, 0n, BigInt(6 * page), 0n);
  addSlot(table, SlotKind.rom, 0, 0x10_0000n, BigInt(page), BigInt(6 * page));
  addSlot(table, SlotKind.alias, 0, 0xf_0000n, BigInt(page), 0x10_0000n);
  addSlot(table, SlotKind.mmio, 0, 0xfee0_0000n, BigInt(page), 0n);
  return { table, host };
}
const bytesAt = (address: bigint, count: number) => Array.from(viewAt(array(u8, count), Number(address)));

test("an address resolves to its extent, up to the extent's end", (t) => {
  const { table, host } = scene();
  t.deepEqual(resolve(table, 0x1010n), { hpa: host + 0x1010n, bytes: 0x2ff0n, kind: SlotKind.ram });
  t.deepEqual(resolve(table, 0x4000n), { hpa: host + 0x8000n, bytes: 0x2000n, kind: SlotKind.ram });
});

test("what no slot covers, and a device's window, resolve to nothing", (t) => {
  const { table } = scene();
  t.is(resolve(table, 0x7000n).bytes, 0n);
  t.is(resolve(table, 0x7000n).kind, SlotKind.none);
  t.is(resolve(table, 0xfee0_0000n).bytes, 0n);
  t.is(resolve(table, 0xfee0_0000n).kind, SlotKind.mmio);
  t.is(resolve(table, 0xffff_ffff_ffff_ffffn).bytes, 0n);
});

test("an alias resolves to what lies at its target", (t) => {
  const { table, host } = scene();
  t.deepEqual(resolve(table, 0xf_0008n), { hpa: host + 0xa008n, bytes: 0xff8n, kind: SlotKind.rom });
});

test("an alias of an alias resolves to nothing, so that no walk is endless", (t) => {
  const { table } = scene();
  addSlot(table, SlotKind.alias, 0, 0x20_0000n, BigInt(page), 0x20_1000n);
  addSlot(table, SlotKind.alias, 0, 0x20_1000n, BigInt(page), 0x20_0000n);
  t.is(resolve(table, 0x20_0000n).bytes, 0n);
});

test("the slot of higher rank wins, and what is below ends where it begins", (t) => {
  const { table, host } = scene();
  addSlot(table, SlotKind.overlay, 1, 0x2000n, BigInt(page), BigInt(7 * page));
  t.deepEqual(resolve(table, 0x2000n), { hpa: host + 0xb000n, bytes: 0x1000n, kind: SlotKind.overlay });
  t.is(resolve(table, 0x1000n).bytes, 0x1000n);
  t.is(findSlot(table, 0x1000n).bytes, 0x1000n);
});

test("copies cross extents and stop at a hole", (t) => {
  const { table, host } = scene();
  const buffer = addressOf(make(array(u8, 8)));
  const own = viewAt(array(u8, 8), Number(buffer));
  for (let i = 0; i < 8; i++) own[i] = i + 1;
  t.true(copyToGuest(table, 0x3ffcn, buffer, 8n));
  t.deepEqual(bytesAt(host + 0x3ffcn, 4), [1, 2, 3, 4]);
  t.deepEqual(bytesAt(host + 0x8000n, 4), [5, 6, 7, 8]);
  for (let i = 0; i < 8; i++) own[i] = 0;
  t.true(copyFromGuest(table, buffer, 0x3ffcn, 8n));
  t.deepEqual(Array.from(own), [1, 2, 3, 4, 5, 6, 7, 8]);
  t.false(copyToGuest(table, 0x5ffcn, buffer, 8n));
  t.false(copyFromGuest(table, buffer, 0x5ffcn, 8n));
});

test("a guest's own write reaches RAM and not ROM; its read must lie in one piece", (t) => {
  const { table } = scene();
  t.true(writeGuest(table, 0x100n, 8, 0x1122_3344_5566_7788n));
  t.deepEqual(readGuest(table, 0x104n, 4), { ok: true, value: 0x1122_3344n });
  t.deepEqual(readGuest(table, 0x100n, 1), { ok: true, value: 0x88n });
  t.false(writeGuest(table, 0x10_0000n, 4, 1n));
  t.deepEqual(readGuest(table, 0x10_0000n, 4), { ok: true, value: 0n });
  t.false(readGuest(table, 0x3ffcn, 8).ok);
});

test("a retired page no longer resolves, and its neighbours still do", (t) => {
  const { table, host } = scene();
  t.true(retirePage(table, host + 0x1234n));
  t.is(resolve(table, 0x1000n).bytes, 0n);
  t.deepEqual(resolve(table, 0x0n), { hpa: host, bytes: 0x1000n, kind: SlotKind.ram });
  t.is(resolve(table, 0x2000n).hpa, host + 0x2000n);
  t.is(Array.from(table.extents).filter((e) => e.state === ExtentState.offline).length, 1);
  t.false(retirePage(table, host + 0x1000n));
});

test("full tables refuse further slots and extents", (t) => {
  const table = make(SlotTable);
  for (let i = 0; i < maxSlots; i++)
    t.true(addSlot(table, SlotKind.ram, 0, BigInt(i * page), BigInt(page), 0n));
  t.false(addSlot(table, SlotKind.ram, 0, 0n, 1n, 0n));
  for (let i = 0; i < maxExtents; i++) t.true(addExtent(table, 0, 0x1000n, BigInt(page)));
  t.false(addExtent(table, 0, 0x1000n, BigInt(page)));
  t.false(retirePage(table, 0x1000n - 1n));
});

test("flash is read as memory, is not written by copies of the guest's, and while it is hidden leads nowhere", (t) => {
  const { table, host } = scene();
  const slot = table.slots[1];
  slot.kind = SlotKind.romDevice;
  t.deepEqual(resolve(table, 0x10_0004n), { hpa: host + 0xa004n, bytes: 0xffcn, kind: SlotKind.romDevice });
  t.false(writeGuest(table, 0x10_0000n, 4, 1n));
  slot.kind = SlotKind.hiddenRom;
  t.deepEqual(resolve(table, 0x10_0004n), { hpa: 0n, bytes: 0n, kind: SlotKind.hiddenRom });
});

/** Clears piece by piece, of a length that divides nothing. */
function clearAll(table: SlotTable, piece: typeof clearPiece): void {
  for (let at = 0n, step = 1n; step > 0n; at += step) step = piece(table, at, 0x1234n);
}

test("a start clears all of a guest's memory but flash, shown or hidden, and a restored guest's all of it", (t) => {
  for (const kind of [SlotKind.romDevice, SlotKind.hiddenRom]) {
    const { table, host } = scene();
    const slot = table.slots[1];
    slot.kind = kind;
    // The middle of the second extent, with memory on both sides of it.
    slot.target = BigInt(5 * page);
    const all = viewAt(array(u8, 12 * page), Number(host));
    for (let i = 0; i < 12 * page; i++) all[i] = 0xee;
    clearAll(table, clearVolatilePiece);
    const kept = (offset: number) => bytesAt(host + BigInt(offset), page).every((byte) => byte === 0xee);
    const zero = (offset: number, bytes: number) =>
      bytesAt(host + BigInt(offset), bytes).every((byte) => byte === 0);
    t.true(zero(0, 4 * page));
    t.true(zero(8 * page, page));
    t.true(kept(9 * page));
    t.true(zero(10 * page, 2 * page));
    clearAll(table, clearPiece);
    t.true(zero(9 * page, page));
  }
});
