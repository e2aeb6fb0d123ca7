import test from "ava";
import { u8 } from "../../../dsl/core/int.ts";
import { addressOf, store32, store64, load64 } from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { addExtent, addSlot, SlotKind, SlotTable } from "../../../kernel/slots.ts";
import { Access, isCanonical, walk, WalkOutcome, type PagingState } from "./walk.ts";

const size = 64 * 4096;
const nx = 1n << 63n;

/** 256 KiB of guest memory at 0. `put64` and `put32` write guest-physical memory. */
function guest() {
  const slots = make(SlotTable);
  const host = (addressOf(make(array(u8, size + 4096))) + 0xfffn) & ~0xfffn;
  addExtent(slots, 0, host, BigInt(size));
  addSlot(slots, SlotKind.ram, 0, 0n, BigInt(size), 0n);
  return {
    slots,
    put64: (gpa: bigint, value: bigint) => store64(host + gpa, value),
    put32: (gpa: bigint, value: number) => store32(host + gpa, value),
    get64: (gpa: bigint) => load64(host + gpa),
  };
}

const cr0 = { paging: 1n << 31n, protect: 1n, writeProtect: 1n << 16n };
const cr4 = { pse: 1n << 4n, pae: 1n << 5n, la57: 1n << 12n, smep: 1n << 20n, smap: 1n << 21n };
const efer = { lma: 1n << 10n, nxe: 1n << 11n };
const long: PagingState = {
  cr0: cr0.paging | cr0.protect | cr0.writeProtect,
  cr3: 0x1000n,
  cr4: cr4.pae,
  efer: efer.lma | efer.nxe,
  rflags: 2n,
  cpl: 0,
};

/** Maps linear 0x7fff_1234_5000 to 0x2_0000 through tables at 0x1000 to 0x4000; `leaf` are the last entry's bits. */
function mapped(leaf = 7n) {
  const g = guest();
  const linear = 0x7fff_1234_5000n;
  const index = (shift: bigint) => ((linear >> shift) & 511n) * 8n;
  g.put64(0x1000n + index(39n), 0x2007n);
  g.put64(0x2000n + index(30n), 0x3007n);
  g.put64(0x3000n + index(21n), 0x4007n);
  g.put64(0x4000n + index(12n), 0x2_0000n | leaf);
  return { ...g, linear, leafAt: 0x4000n + index(12n) };
}

test("without paging an address is itself, cut to 32 bits", (t) => {
  const { slots } = guest();
  const state = { ...long, cr0: cr0.protect, efer: 0n };
  t.deepEqual(walk(slots, state, 0x1_0000_1234n, 0), { outcome: WalkOutcome.ok, gpa: 0x1234n, error: 0 });
});

test("four levels translate, and mark accessed and dirty as the processor does", (t) => {
  const g = mapped();
  t.is(walk(g.slots, long, g.linear + 0x678n, 0).gpa, 0x2_0678n);
  t.is(g.get64(g.leafAt) & 0x60n, 0x20n);
  t.is(walk(g.slots, long, g.linear, Access.write).outcome, WalkOutcome.ok);
  t.is(g.get64(g.leafAt) & 0x60n, 0x60n);
});

test("five levels translate where CR4.LA57 is set", (t) => {
  const g = mapped();
  g.put64(0x5000n, 0x1007n);
  const state = { ...long, cr3: 0x5000n, cr4: cr4.pae | cr4.la57 };
  t.is(walk(g.slots, state, g.linear, 0).gpa, 0x2_0000n);
});

test("pages of 1 GiB and 2 MiB keep the offset, and reserved bits in them fault", (t) => {
  const g = guest();
  g.put64(0x1000n, 0x2007n);
  g.put64(0x2000n, 0x4000_0087n);
  t.is(walk(g.slots, long, 0x3fff_fabcn, 0).gpa, 0x7fff_fabcn);
  g.put64(0x2000n, 0x3007n);
  g.put64(0x3000n, 0x0060_0087n);
  t.is(walk(g.slots, long, 0x1f_fabcn, 0).gpa, 0x7f_fabcn);
  g.put64(0x3000n, 0x0060_2087n);
  t.deepEqual(walk(g.slots, long, 0n, 0), {
    outcome: WalkOutcome.pageFault,
    gpa: 0n,
    error: Access.present | Access.reserved,
  });
});

test("an absent entry, a write to a read-only page and a fetch of a no-execute page fault with their codes", (t) => {
  const absent = mapped(0n);
  t.is(walk(absent.slots, long, absent.linear, Access.write).error, Access.write);
  const readOnly = mapped(5n);
  t.is(walk(readOnly.slots, long, readOnly.linear, Access.write).error, Access.present | Access.write);
  t.is(
    walk(readOnly.slots, { ...long, cr0: cr0.paging | cr0.protect }, readOnly.linear, Access.write).outcome,
    WalkOutcome.ok,
  );
  t.is(
    walk(readOnly.slots, { ...long, cr0: cr0.paging | cr0.protect, cpl: 3 }, readOnly.linear, Access.write)
      .error,
    Access.present | Access.write | Access.user,
  );
  const data = mapped(7n | nx);
  t.is(walk(data.slots, long, data.linear, Access.fetch).error, Access.present | Access.fetch);
  t.is(walk(data.slots, long, data.linear, 0).outcome, WalkOutcome.ok);
});

test("user mode reaches user pages only; SMEP and SMAP keep the system off them", (t) => {
  const system = mapped(3n);
  t.is(walk(system.slots, { ...long, cpl: 3 }, system.linear, 0).error, Access.present | Access.user);
  const user = mapped();
  const smep = { ...long, cr4: long.cr4 | cr4.smep };
  t.is(walk(user.slots, smep, user.linear, Access.fetch).error, Access.present | Access.fetch);
  const smap = { ...long, cr4: long.cr4 | cr4.smap };
  t.is(walk(user.slots, smap, user.linear, 0).error, Access.present);
  t.is(walk(user.slots, { ...smap, rflags: 1n << 18n }, user.linear, 0).outcome, WalkOutcome.ok);
});

test("the no-execute bit is reserved where EFER.NXE is clear", (t) => {
  const g = mapped(7n | nx);
  t.is(walk(g.slots, { ...long, efer: efer.lma }, g.linear, 0).error, Access.present | Access.reserved);
});

test("addresses that are not canonical are no page faults", (t) => {
  const { slots } = guest();
  t.is(walk(slots, long, 0x8000_0000_0000n, 0).outcome, WalkOutcome.notCanonical);
  t.true(isCanonical(0xffff_8000_0000_0000n, false));
  t.false(isCanonical(0xff00_0000_0000_0000n, false));
  t.true(isCanonical(0xff00_0000_0000_0000n, true));
});

test("PAE translates through four top entries without rights", (t) => {
  const g = guest();
  g.put64(0x1020n + 8n, 0x2001n);
  g.put64(0x2000n, 0x3007n);
  g.put64(0x3000n, 0x2_1007n);
  const state = { ...long, efer: 0n, cr3: 0x1020n, cpl: 3 };
  t.is(walk(g.slots, state, 0x4000_0123n, Access.write).gpa, 0x2_1123n);
  t.is(g.get64(0x1028n), 0x2001n);
});

test("32-bit paging translates pages of 4 KiB and 4 MiB, with 40 bits of address in the latter", (t) => {
  const g = guest();
  g.put32(0x1000n, 0x2007);
  g.put32(0x2004n, 0x2_2007);
  g.put32(0x1004n, 0x0080_2087);
  const state = { ...long, efer: 0n, cr4: cr4.pse };
  t.is(walk(g.slots, state, 0x1abcn, 0).gpa, 0x2_2abcn);
  t.is(walk(g.slots, state, 0x40_0abcn, 0).gpa, 0x1_0080_0abcn);
});

test("tables that lie in no memory end the walk, whichever level they are at", (t) => {
  const outside = guest();
  t.deepEqual(walk(outside.slots, { ...long, cr3: 0xfee0_0000n }, 0n, 0), {
    outcome: WalkOutcome.badTable,
    gpa: 0xfee0_0000n,
    error: 0,
  });
  outside.put64(0x1000n, 0xfee0_0007n);
  t.is(walk(outside.slots, long, 0n, 0).outcome, WalkOutcome.badTable);
  t.is(
    walk(outside.slots, { ...long, efer: 0n, cr4: 0n, cr3: 0xfee0_0000n }, 0n, 0).outcome,
    WalkOutcome.badTable,
  );
});

test("a table that names itself at every level ends after the last level", (t) => {
  const g = guest();
  g.put64(0x1000n, 0x1007n);
  t.deepEqual(walk(g.slots, long, 0n, 0), { outcome: WalkOutcome.ok, gpa: 0x1000n, error: 0 });
});
