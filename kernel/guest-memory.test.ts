import test from "ava";
import { array, location, make } from "../dsl/core/layout.ts";
import { u8 } from "../dsl/core/int.ts";
import { memory } from "../dsl/core/memory.ts";
import { Domain } from "./domain.ts";
import { guestMemoryOf } from "./guest-memory.ts";
import { addExtent, addSlot, SlotKind } from "./slots.ts";

/** Two stretches of host memory that follow each other in the guest from 0x10000 on, and ROM behind them. */
function scene() {
  const domain = make(Domain);
  const pages = [make(array(u8, 0x2000)), make(array(u8, 0x2000))];
  const places = pages.map((page) => BigInt(location(page)!.address));
  // Apart on the host, the later one first.
  addExtent(domain.slots, 0, places[1]!, 0x1000n);
  addExtent(domain.slots, 0, places[0]!, 0x1000n);
  addSlot(domain.slots, SlotKind.ram, 0, 0x1_0000n, 0x1800n, 0n);
  addSlot(domain.slots, SlotKind.rom, 0, 0x1_1800n, 0x800n, 0x1800n);
  const host = (gpa: number): Uint8Array => {
    const inside = gpa - 0x1_0000;
    const page = inside < 0x1000 ? places[1]! : places[0]!;
    return new Uint8Array(memory.buffer, Number(page) + (inside & 0xfff));
  };
  return { guest: guestMemoryOf(() => domain), host, buffer: make(array(u8, 4096)) };
}

test("integers are read and written where memory is, also over the edge of two extents", (t) => {
  const { guest, host } = scene();
  for (const [gpa, width] of [
    [0x1_0000, 8],
    [0x1_0ffe, 4],
    [0x1_0fff, 2],
    [0x1_0ffc, 8],
  ] as const) {
    const value = 0x1122_3344_5566_7788n & ((1n << BigInt(8 * width)) - 1n);
    t.true(guest.writeMemory(BigInt(gpa), width, value));
    t.deepEqual(guest.readMemory(BigInt(gpa), width), { ok: true, value });
  }
  t.is(host(0x1_1000)[0], 0x44);
});

test("what is not in memory is no value, and is not written", (t) => {
  const { guest, host } = scene();
  for (const gpa of [0n, 0xffffn, 0x1_2000n, 0x1_1fffn, 0xffff_ffff_ffff_ffffn, 1n << 52n]) {
    t.deepEqual(guest.readMemory(gpa, 2), { ok: false, value: 0n }, gpa.toString(16));
    t.false(guest.writeMemory(gpa, 2, 1n));
  }
  host(0x1_1800)[0] = 7;
  t.is(guest.readMemory(0x1_1800n, 2).value, 7n, "ROM is read");
  t.false(guest.writeMemory(0x1_1800n, 2, 1n));
  t.false(guest.writeMemory(0x1_17ffn, 2, 0xffffn), "half of it is ROM");
  t.is(host(0x1_17ff)[0], 0);
});

test("copies of every length arrive whole, wherever they start", (t) => {
  const { guest, host, buffer } = scene();
  for (let i = 0; i < 4096; i++) buffer[i] = (i * 7 + (i >> 8)) & 0xff;
  for (const length of [0, 1, 2, 3, 7, 8, 63, 511, 512, 513, 1023, 4096]) {
    for (const start of [0, 1, 0x1000 - 3]) {
      const fits = start + length <= 0x1800;
      const gpa = 0x1_0000 + start;
      t.is(guest.copyToMemory(BigInt(gpa), buffer, 4096 - length, length), fits, `${length} at ${start}`);
      if (!fits) continue;
      for (let i = 0; i < length; i++) {
        if (host(gpa + i)[0] !== buffer[4096 - length + i]) t.fail(`byte ${i} of ${length} at ${start}`);
      }
      const back = make(array(u8, 4096));
      t.true(guest.copyFromMemory(BigInt(gpa), back, 0, length));
      for (let i = 0; i < length; i++) if (back[i] !== host(gpa + i)[0]) t.fail(`byte ${i} back`);
      if (length < 4096) t.is(back[length], 0);
    }
  }
});

test("a copy that is not whole changes nothing, and none is longer than its buffer", (t) => {
  const { guest, host, buffer } = scene();
  buffer[0] = 0xaa;
  t.false(guest.copyToMemory(0x1_1000n, buffer, 0, 0x801), "ends in ROM");
  t.is(host(0x1_1000)[0], 0);
  host(0x1_1fff)[0] = 0x55;
  t.false(guest.copyFromMemory(0x1_1fffn, buffer, 0, 2));
  t.is(buffer[0], 0xaa);
  for (const [at, length] of [
    [4095, 2],
    [4097, 0],
    [0, 4097],
    [0xffff_ffff, 1],
    [1, 0xffff_ffff],
  ] as const)
    t.false(guest.copyFromMemory(0x1_0000n, buffer, at, length));
});
