import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import { u8 } from "../dsl/core/int.ts";
import { addressOf } from "../dsl/core/intrinsics.ts";
import { array, make, viewAt } from "../dsl/core/layout.ts";
import { cfiFlash } from "../devices/cfi-flash.ts";
import { instantiate, type Instance } from "../dsl/device/instance.ts";
import type { PlacedInstance } from "./board.ts";
import { Domain, DomainState, StopReason } from "./domain.ts";
import { guestFlash } from "./flash.ts";
import { addExtent, addSlot, SlotKind } from "./slots.ts";
import { virtualization, type Virtualization } from "./virtualization.ts";

const page = 4096;
const gpa = 0xffc0_0000;
const bytes = 3 * page;

/** The second of two guests has a flash at wire 7, in the second of its extents. */
function scene(ok = true, size = bytes) {
  const domains = make(array(Domain, 2));
  const remapped: bigint[] = [];
  provide(virtualization, {
    remapPage: (_domain, at) => {
      remapped.push(at);
      return ok;
    },
  } as Partial<Virtualization> as Virtualization);
  const device = cfiFlash(size);
  const instance = instantiate(device, "flash", { at: { chip: gpa }, connect: {} }) as unknown as Instance;
  const placed = [
    { instance, guest: 1, firstWire: 7, state: make(device.state) },
  ] as unknown as readonly PlacedInstance[];
  const domain = domains[1];
  domain.state = DomainState.running;
  const host = (addressOf(make(array(u8, 7 * page))) + 0xfffn) & ~0xfffn;
  addExtent(domain.slots, 1, host + BigInt(4 * page), BigInt(page));
  addExtent(domain.slots, 1, host, BigInt(4 * page));
  addSlot(domain.slots, SlotKind.romDevice, 0, BigInt(gpa), BigInt(bytes), BigInt(2 * page));
  const memory = viewAt(array(u8, 4 * page), Number(host));
  return { flash: guestFlash(placed, domains), domain, remapped, memory };
}

test("bytes are read, programmed and erased where the guest's flash lies in its memory, and nowhere beyond its end", (t) => {
  const { flash, memory } = scene();
  for (let i = 0; i < 4 * page; i++) memory[i] = 0x11;
  t.is(flash.flashByte(7, 5), 0x11);
  t.is(flash.flashByte(7, bytes), 0xff);
  t.is(flash.flashByte(8, 5), 0xff);
  flash.programFlash(7, bytes - 1, 0x22);
  flash.programFlash(7, bytes, 0x33);
  t.deepEqual([memory[4 * page - 2], memory[4 * page - 1]], [0x11, 0x22]);
  flash.eraseFlash(7, page, page);
  t.deepEqual(
    [memory[2 * page - 1], memory[2 * page], memory[3 * page - 1], memory[3 * page]],
    [0x11, 0xff, 0xff, 0x11],
  );
  flash.eraseFlash(7, 2 * page, 0xffff_ffff);
  flash.eraseFlash(7, bytes, page);
  flash.eraseFlash(7, 0xffff_f000, page);
  t.deepEqual([memory[page], memory[3 * page], memory[4 * page - 1]], [0x11, 0xff, 0xff]);
});

test("what is hidden is not mapped, every page of it once for each change, and the device reads on", (t) => {
  const { flash, domain, remapped, memory } = scene();
  memory[page] = 0x77;
  const pages = [0, page, 2 * page].map((offset) => BigInt(gpa + offset));
  flash.showFlash(7, true);
  t.deepEqual(remapped, []);
  flash.showFlash(7, false);
  flash.showFlash(7, false);
  t.is(domain.slots.slots[0].kind, SlotKind.hiddenRom);
  t.deepEqual(remapped, pages);
  t.is(flash.flashByte(7, 0), 0x77);
  flash.showFlash(7, true);
  t.is(domain.slots.slots[0].kind, SlotKind.romDevice);
  t.deepEqual(remapped, [...pages, ...pages]);
});

test("a guest stops where nothing is left to map its flash with, and a larger one than there can be is refused", (t) => {
  const { flash, domain } = scene(false);
  flash.showFlash(7, false);
  t.is(domain.state, DomainState.crashed);
  t.is(domain.reason, StopReason.memoryAccess);
  t.throws(() => scene(true, 257 * page), {
    message: /flash has no window for its flash, or too large a one/,
  });
});
