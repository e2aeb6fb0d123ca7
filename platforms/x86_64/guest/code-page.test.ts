import test from "ava";
import { u8 } from "../../../dsl/core/int.ts";
import { addressOf, store64 } from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { addExtent, addSlot, SlotKind, SlotTable } from "../../../kernel/slots.ts";
import { CodePage, codePageOf, CodePages, forgetCode, rememberCode, rememberedCode } from "./code-page.ts";
import type { PagingState } from "./walk.ts";

const size = 64 * 4096;
const linear = 0x7fff_1234_5678n;

const state: PagingState = {
  cr0: (1n << 31n) | 1n,
  cr3: 0x1000n,
  cr4: 1n << 5n,
  efer: 1n << 10n,
  rflags: 2n,
  cpl: 0,
};

/** Maps `linear` to 0x2_0678 through four tables at 0x1000, and through a fifth at 0x5000. */
function guest() {
  const slots = make(SlotTable);
  const host = (addressOf(make(array(u8, size + 4096))) + 0xfffn) & ~0xfffn;
  addExtent(slots, 0, host, BigInt(size));
  addSlot(slots, SlotKind.ram, 0, 0n, BigInt(size), 0n);
  const put = (gpa: bigint, value: bigint) => store64(host + gpa, value);
  const at = (table: bigint, shift: bigint) => table + ((linear >> shift) & 511n) * 8n;
  put(0x5000n, 0x1023n);
  put(at(0x1000n, 39n), 0x2023n);
  put(at(0x2000n, 30n), 0x3023n);
  put(at(0x3000n, 21n), 0x4023n);
  put(at(0x4000n, 12n), 0x2_0023n);
  return { slots, host, put, at, code: make(CodePage) };
}

test("a remembered page answers for its bytes and for no others", (t) => {
  const g = guest();
  t.is(rememberedCode(g.code, state.cr3, linear), 0n);
  t.is(rememberCode(g.code, g.slots, state, linear), g.host + 0x2_0678n);
  t.is(rememberedCode(g.code, state.cr3, linear + 1n), g.host + 0x2_0679n);
  t.is(rememberedCode(g.code, state.cr3, linear + 0x1000n), 0n);
  t.is(rememberedCode(g.code, 0x5000n, linear), 0n);
});

test("each page has its own place, and all are forgotten at once", (t) => {
  const g = guest();
  const pages = make(CodePages);
  const next = linear + 0x1000n;
  g.put(g.at(0x4000n, 12n) + 8n, 0x2_1023n);
  for (const address of [linear, next]) rememberCode(codePageOf(pages, address), g.slots, state, address);
  t.is(rememberedCode(codePageOf(pages, linear), state.cr3, linear), g.host + 0x2_0678n);
  t.is(rememberedCode(codePageOf(pages, next), state.cr3, next), g.host + 0x2_1678n);
  forgetCode(pages);
  for (const address of [linear, next])
    t.is(rememberedCode(codePageOf(pages, address), state.cr3, address), 0n);
});

test("a change of any entry on the way is seen at once", (t) => {
  for (const [table, shift] of [
    [0x1000n, 39n],
    [0x2000n, 30n],
    [0x3000n, 21n],
    [0x4000n, 12n],
  ] as const) {
    const g = guest();
    rememberCode(g.code, g.slots, state, linear);
    g.put(g.at(table, shift), 0x2_1023n);
    t.is(rememberedCode(g.code, state.cr3, linear), 0n, `table at ${table}`);
  }
});

test("five levels are remembered as four are", (t) => {
  const g = guest();
  const five = { ...state, cr3: 0x5000n, cr4: state.cr4 | (1n << 12n) };
  t.is(rememberCode(g.code, g.slots, five, linear), g.host + 0x2_0678n);
  t.is(rememberedCode(g.code, five.cr3, linear), g.host + 0x2_0678n);
  g.put(0x5000n, 0n);
  t.is(rememberedCode(g.code, five.cr3, linear), 0n);
});

test("a large page ends the way early", (t) => {
  const g = guest();
  g.put(g.at(0x3000n, 21n), 0xa3n);
  const low = (linear & ~0x1f_ffffn) | 0x1abcn;
  t.is(rememberCode(g.code, g.slots, state, low), g.host + 0x1abcn);
  t.is(rememberedCode(g.code, state.cr3, low), g.host + 0x1abcn);
});

test("what cannot be fetched is not remembered", (t) => {
  const g = guest();
  g.put(g.at(0x4000n, 12n), 0n);
  t.is(rememberCode(g.code, g.slots, state, linear), 0n);
  g.put(g.at(0x4000n, 12n), 0xa000_0023n);
  t.is(rememberCode(g.code, g.slots, state, linear), 0n);
  t.is(rememberCode(g.code, g.slots, { ...state, efer: 0n }, linear), 0n);
  t.is(rememberedCode(g.code, state.cr3, linear), 0n);
});
