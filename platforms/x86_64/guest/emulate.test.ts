import test from "ava";
import { u64, u8 } from "../../../dsl/core/int.ts";
import { addressOf, store8 } from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { addExtent, addSlot, SlotKind, SlotTable } from "../../../kernel/slots.ts";
import { Segmentation } from "../decode/effective-address.ts";
import { Mode } from "../decode/operation.ts";
import { Plan } from "../decode/plan.ts";
import type { Bus } from "./bus.ts";
import { CodePages } from "./code-page.ts";
import { Decoded } from "./decoded.ts";
import { Emulation, emulator, noHint } from "./emulate.ts";
import type { GuestState } from "./state.ts";

const codeAt = 0x100n;
const deviceAt = 0xd000_0000n;
const [rbx, rsi] = [3, 6];
const [rcx, rdi] = [1, 7];

/** A vCPU in 32-bit code without paging, that has `code` at RIP; and a device whose writes queue something when asked. */
function guest(code: readonly number[], queuesAt: number, mode = Mode.bits32) {
  const slots = make(SlotTable);
  const host = (addressOf(make(array(u8, 2 * 4096))) + 0xfffn) & ~0xfffn;
  addExtent(slots, 0, host, 4096n);
  addSlot(slots, SlotKind.ram, 0, 0n, 4096n, 0n);
  code.forEach((byte, i) => store8(u64(host + codeAt + BigInt(i)), byte));
  const v = { rip: codeAt, rflags: 2n };
  const gpr = make(array(u64, 16));
  const [segmentation, codePages] = [make(Segmentation), make(CodePages)];
  const [decoded, plan] = [make(Decoded), make(Plan)];
  const state: GuestState<typeof v> = {
    index: () => 0,
    slots: () => slots,
    paging: () => ({ cr0: 1n, cr3: 0n, cr4: 0n, efer: 0n, rflags: 2n, cpl: 0 }),
    rip: () => v.rip,
    rflags: () => v.rflags,
    gpr: () => gpr,
    codeBase: () => 0n,
    mode: () => mode,
    segmentation: () => segmentation,
    codePages: () => codePages,
    decoded: () => decoded,
    chooseDecoded: () => decoded,
    plan: () => plan,
    finish: (_, rip, rflags) => Object.assign(v, { rip, rflags }),
  };
  const written: bigint[] = [];
  const accesses: string[] = [];
  let queued = false;
  const bus: Bus = {
    portIn: () => 0xff,
    portOut: () => undefined,
    memoryRead: (_, gpa, width) => {
      accesses.push(`read ${width} at ${gpa.toString(16)}`);
      return 0x8877_6655_4433_2211n & ((1n << BigInt(8 * width)) - 1n);
    },
    memoryWrite: (_, gpa, width, value) => {
      accesses.push(`write ${width} of ${value.toString(16)} at ${gpa.toString(16)}`);
      written.push(gpa);
      if (written.length === queuesAt) queued = true;
    },
    hasQueued: () => queued,
    deliver: () => (queued = false),
  };
  const run = (faultGpa = noHint): number => emulator(state, bus)(v, faultGpa).outcome;
  return { v, gpr, written, accesses, deliver: bus.deliver, run };
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

/** Plain moves in 64-bit mode over [RBX + 8] and the like, by what they are. */
const moves: Readonly<Record<string, readonly number[]>> = {
  "mov ecx, [rbx+8]": [0x8b, 0x4b, 0x08],
  "mov rcx, [rbx+8]": [0x48, 0x8b, 0x4b, 0x08],
  "mov r9d, [rbx+8]": [0x44, 0x8b, 0x4b, 0x08],
  "mov cx, [rbx+8]": [0x66, 0x8b, 0x4b, 0x08],
  "mov cl, [rbx+8]": [0x8a, 0x4b, 0x08],
  "mov [rbx+8], ecx": [0x89, 0x4b, 0x08],
  "mov [rbx+8], r12": [0x4c, 0x89, 0x63, 0x08],
  "mov [rbx+8], ch": [0x88, 0x6b, 0x08],
  "mov [rbx+disp32], edx": [0x89, 0x93, 0x08, 0x00, 0x00, 0x00],
  "mov [rbx+rsi*4], ebp": [0x89, 0x2c, 0xb3],
  "mov dword [rbx+8], imm": [0xc7, 0x43, 0x08, 0xfe, 0xff, 0xff, 0xff],
  "mov qword [rbx+8], imm": [0x48, 0xc7, 0x43, 0x08, 0xfe, 0xff, 0xff, 0xff],
  "mov fs:[rbx+8], ecx": [0x64, 0x89, 0x4b, 0x08],
  "mov [ebx+8], ecx": [0x67, 0x89, 0x4b, 0x08],
  "add [rbx+8], ecx": [0x01, 0x4b, 0x08],
  "movzx ecx, word [rbx+8]": [0x0f, 0xb7, 0x4b, 0x08],
  "xchg [rbx+8], ecx": [0x87, 0x4b, 0x08],
};

for (const [name, code] of Object.entries(moves)) {
  test(`${name} does with the exit's address what it does without`, (t) => {
    const ran = (hinted: boolean) => {
      const g = guest(code, 99, Mode.bits64);
      for (let i = 0; i < 16; i++) g.gpr[i] = 0x1111_2222_3333_4400n + BigInt(i);
      g.gpr[rbx] = deviceAt;
      g.gpr[rsi] = 2n;
      const outcome = g.run(hinted ? deviceAt + 8n : noHint);
      return { outcome, gpr: [...g.gpr], rip: g.v.rip, rflags: g.v.rflags, accesses: g.accesses };
    };
    const plain = ran(false);
    t.is(plain.outcome, Emulation.done);
    t.true(plain.accesses.length > 0);
    t.deepEqual(ran(true), plain);
  });
}

test("the exit's address counts for nothing where the operand is not there", (t) => {
  const g = guest([0x8b, 0x4b, 0x08], 99, Mode.bits64);
  g.gpr[rbx] = deviceAt;
  t.is(g.run(deviceAt + 0x10n), Emulation.done);
  t.deepEqual(g.accesses, [`read 4 at ${(deviceAt + 8n).toString(16)}`]);
});

test("a move over the end of a device's page is made of accesses to both", (t) => {
  const g = guest([0x48, 0x8b, 0x0b], 99, Mode.bits64);
  const end = (deviceAt & ~0xfffn) + 0xffcn;
  g.gpr[rbx] = end;
  t.is(g.run(end), Emulation.done);
  t.is(g.accesses.length, 8);
  t.true(g.accesses.every((access) => access.startsWith("read 1 at")));
});
