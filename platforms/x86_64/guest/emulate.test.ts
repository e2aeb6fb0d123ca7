import test from "ava";
import { u64, u8 } from "../../../dsl/core/int.ts";
import { addressOf, store8 } from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { addExtent, addSlot, SlotKind, SlotTable } from "../../../kernel/slots.ts";
import { Segmentation } from "../decode/effective-address.ts";
import { Mode } from "../decode/operation.ts";
import { Plan } from "../decode/plan.ts";
import type { Bus } from "./bus.ts";
import { CodePage } from "./code-page.ts";
import { Decoded } from "./decoded.ts";
import { Emulation, emulator, noHint } from "./emulate.ts";
import type { GuestState } from "./state.ts";

const codeAt = 0x100n;
const deviceAt = 0xd000_0000n;
const [rcx, rdi] = [1, 7];

/** A vCPU in 32-bit code without paging, that has `code` at RIP; and a device whose writes queue something when asked. */
function guest(code: readonly number[], queuesAt: number) {
  const slots = make(SlotTable);
  const host = (addressOf(make(array(u8, 2 * 4096))) + 0xfffn) & ~0xfffn;
  addExtent(slots, 0, host, 4096n);
  addSlot(slots, SlotKind.ram, 0, 0n, 4096n, 0n);
  code.forEach((byte, i) => store8(u64(host + codeAt + BigInt(i)), byte));
  const v = { rip: codeAt, rflags: 2n };
  const gpr = make(array(u64, 16));
  const [segmentation, codePage] = [make(Segmentation), make(CodePage)];
  const [decoded, plan] = [make(Decoded), make(Plan)];
  const state: GuestState<typeof v> = {
    index: () => 0,
    slots: () => slots,
    paging: () => ({ cr0: 1n, cr3: 0n, cr4: 0n, efer: 0n, rflags: 2n, cpl: 0 }),
    rip: () => v.rip,
    rflags: () => v.rflags,
    gpr: () => gpr,
    codeBase: () => 0n,
    mode: () => Mode.bits32,
    segmentation: () => segmentation,
    codePage: () => codePage,
    decoded: () => decoded,
    chooseDecoded: () => decoded,
    plan: () => plan,
    finish: (_, rip, rflags) => Object.assign(v, { rip, rflags }),
  };
  const written: bigint[] = [];
  let queued = false;
  const bus: Bus = {
    portIn: () => 0xff,
    portOut: () => undefined,
    memoryRead: () => 0n,
    memoryWrite: (_, gpa) => {
      written.push(gpa);
      if (written.length === queuesAt) queued = true;
    },
    hasQueued: () => queued,
    deliver: () => (queued = false),
  };
  return { v, gpr, written, deliver: bus.deliver, run: () => emulator(state, bus)(v, noHint).outcome };
}

const repStosd = [0xf3, 0xab];

test("a repeated string instruction ends its exit behind the element that a device has queued something for", (t) => {
  const g = guest(repStosd, 3);
  g.gpr[rcx] = 5n;
  g.gpr[rdi] = deviceAt;
  t.is(g.run(), Emulation.done);
  t.deepEqual(
    g.written,
    [0n, 4n, 8n].map((at) => deviceAt + at),
  );
  t.deepEqual([g.v.rip, g.gpr[rcx], g.gpr[rdi]], [codeAt, 2n, deviceAt + 12n]);
  // The guest comes to the same instruction again, when that is delivered.
  g.deliver();
  t.is(g.run(), Emulation.done);
  t.is(g.written.length, 5);
  t.deepEqual([g.v.rip, g.gpr[rcx]], [codeAt + 2n, 0n]);
});

test("one exit performs a bounded number of elements, and the guest resumes at the rest", (t) => {
  const g = guest(repStosd, Infinity);
  g.gpr[rcx] = 40n;
  g.gpr[rdi] = deviceAt;
  for (const [left, rip] of [
    [24n, codeAt],
    [8n, codeAt],
    [0n, codeAt + 2n],
  ]) {
    t.is(g.run(), Emulation.done);
    t.deepEqual([g.gpr[rcx], g.v.rip], [left, rip]);
  }
  t.is(g.written.length, 40);
});
