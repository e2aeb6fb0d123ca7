import test from "ava";
import { u32 } from "../../../dsl/core/int.ts";
import { addressOf, store64, store8 } from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { u8 } from "../../../dsl/core/int.ts";
import { addExtent, addSlot, SlotKind, SlotTable } from "../../../kernel/slots.ts";
import { Mode, Operation } from "../decode/operation.ts";
import { CodePages } from "./code-page.ts";
import { Decoded, decodedCount, decodedIndex } from "./decoded.ts";
import { FetchOutcome, fetcher } from "./fetch.ts";
import type { GuestState } from "./state.ts";

const size = 8 * 4096;

/** A guest in long mode whose page of code is at 0x5000, guest-physical and linear, and a count of decodings. */
function guest() {
  const slots = make(SlotTable);
  const host = (addressOf(make(array(u8, size + 4096))) + 0xfffn) & ~0xfffn;
  addExtent(slots, 0, host, BigInt(size));
  addSlot(slots, SlotKind.ram, 0, 0n, BigInt(size), 0n);
  for (const [table, next] of [
    [0x1000n, 0x2023n],
    [0x2000n, 0x3023n],
    [0x3000n, 0x4023n],
  ] as const)
    store64(host + table, next);
  for (let page = 0n; page < 8n; page++) store64(host + 0x4000n + page * 8n, (page << 12n) | 0x23n);
  const decoded = make(array(Decoded, decodedCount));
  const codePages = make(CodePages);
  let at = 0;
  let rip = 0x5000n;
  let mode: Mode = Mode.bits64;
  const state = {
    index: () => 0,
    slots: () => slots,
    paging: () => ({ cr0: 0x8000_0001n, cr3: 0x1000n, cr4: 0x20n, efer: 0x400n, rflags: 2n, cpl: 0 }),
    rip: () => rip,
    codeBase: () => 0n,
    mode: () => mode,
    codePages: () => codePages,
    decoded: () => decoded[at]!,
    chooseDecoded: (_v: null, index: u32) => decoded[(at = index)]!,
  } as unknown as GuestState<null>;
  const fetch = fetcher(state);
  return {
    put(address: bigint, ...bytes: number[]) {
      bytes.forEach((byte, i) => {
        store8(host + address + BigInt(i), byte);
      });
    },
    setMode(next: Mode) {
      mode = next;
    },
    /** What stands at an address. */
    at(address: bigint) {
      rip = address;
      const { outcome } = fetch(null);
      const { instruction } = decoded[at]!;
      return { outcome, operation: instruction.operation, length: instruction.length, instruction };
    },
  };
}

const mov = [0x8b, 0x03];
const add = [0x01, 0x43, 0x10];

test("an instruction is found again, and what the decoder left there is kept", (t) => {
  const g = guest();
  g.put(0x5000n, ...mov);
  const first = g.at(0x5000n);
  t.deepEqual([first.outcome, first.operation, first.length], [FetchOutcome.ok, Operation.mov, 2]);
  // A mark that a second decoding would wipe out.
  first.instruction.displacement = 0x5ca1n;
  t.is(g.at(0x5000n).instruction.displacement, 0x5ca1n);
});

test("an instruction that the guest has changed is decoded anew", (t) => {
  const g = guest();
  g.put(0x5000n, ...mov);
  g.at(0x5000n);
  g.put(0x5000n, ...add);
  const changed = g.at(0x5000n);
  t.deepEqual([changed.operation, changed.length], [Operation.add, 3]);
  // Even where only the last of the 15 bytes that could belong to it differs.
  changed.instruction.displacement = 0x5ca1n;
  g.put(0x500en, 0x90);
  t.is(g.at(0x5000n).instruction.displacement, 0x10n);
});

test("the same bytes in another mode are decoded anew", (t) => {
  const g = guest();
  g.put(0x5000n, 0x48, 0x8b, 0x03);
  t.is(g.at(0x5000n).operation, Operation.mov);
  g.setMode(Mode.bits32);
  t.deepEqual([g.at(0x5000n).length, g.at(0x5000n).operation === Operation.mov], [1, false]);
});

test("instructions that share a place do not answer for each other", (t) => {
  const g = guest();
  const other = [...Array(0x400).keys()]
    .map((i) => 0x5000n + BigInt(i))
    .find((address) => address > 0x5010n && decodedIndex(address) === decodedIndex(0x5000n))!;
  g.put(0x5000n, ...mov);
  g.put(other, ...add);
  for (let round = 0; round < 3; round++) {
    t.is(g.at(0x5000n).operation, Operation.mov);
    t.is(g.at(other).operation, Operation.add);
  }
});

test("an instruction at the end of a page is never answered from what was kept", (t) => {
  const g = guest();
  const address = 0x5ffen;
  g.put(address, ...add);
  t.is(g.at(address).operation, Operation.add);
  g.put(0x6000n, 0x90);
  t.is(g.at(address).instruction.displacement, 0xffff_ffff_ffff_ff90n);
});

test("what cannot be decoded is not kept", (t) => {
  const g = guest();
  g.put(0x5000n, 0x0f, 0x0b, 0x0f, 0xff);
  g.put(0x5010n, 0x06);
  t.is(g.at(0x5010n).outcome, FetchOutcome.undefined);
  t.is(g.at(0x5010n).outcome, FetchOutcome.undefined);
});
