import test from "ava";
import { attach, type Attached } from "../dsl/testing/attach.ts";
import { FakeBoard } from "../dsl/testing/fake-board.ts";
import { pciFunction } from "./pci/function.ts";
import { q35Mch } from "./pci/q35-mch.ts";
import { pciHost } from "./pci-host.ts";
import { ecamGpa, host, places, sample } from "./testing/pci-host.ts";

type Guest = Attached<unknown>;
const plain = (): Guest => attach(host as never, new FakeBoard(), places);

const select = (guest: Guest, devfn: number, offset: number): void =>
  guest.writeAt("address", 0, 4, 0x8000_0000 + devfn * 0x100 + (offset & 0xfc));
/** Configuration mechanism 1. */
function get(guest: Guest, devfn: number, offset: number, width: 1 | 2 | 4 = 4): number {
  select(guest, devfn, offset);
  return guest.readAt("data", offset & 3, width);
}
function set(guest: Guest, devfn: number, offset: number, width: 1 | 2 | 4, value: number): void {
  select(guest, devfn, offset);
  guest.writeAt("data", offset & 3, width, value);
}
const mch = 0;
const lpc = 0xf8;
const other = sample.devfn;

test("software finds the identities of a q35 and an ICH9", (t) => {
  const guest = plain();
  t.is(get(guest, mch, 0), 0x29c0_8086);
  t.is(get(guest, mch, 8) >>> 8, 0x06_0000);
  t.is(get(guest, lpc, 0), 0x2918_8086);
  t.is(get(guest, lpc, 8) >>> 8, 0x06_0100);
});

test("every other place of the bus, every other bus, and a disabled address read as ones", (t) => {
  const guest = plain();
  for (let devfn = 0; devfn < 256; devfn++) {
    const there = [mch, lpc, other].includes(devfn);
    t.is(get(guest, devfn, 0) === 0xffff_ffff, !there, `devfn ${devfn}`);
  }
  guest.writeAt("address", 0, 4, 0x8001_0000);
  t.is(guest.readAt("data", 0, 4), 0xffff_ffff);
  guest.writeAt("address", 0, 4, 0);
  t.is(guest.readAt("data", 0, 4), 0xffff_ffff);
  guest.writeAt("data", 0, 4, 0x1234_5678);
});

test("the address register keeps what it has, and is there for accesses of 32 bits alone", (t) => {
  const guest = plain();
  guest.writeAt("address", 3, 1, 0x01);
  guest.writeAt("address", 0, 4, 0xffff_ffff);
  t.is(guest.readAt("address", 0, 4), 0x80ff_fffc);
  guest.writeAt("address", 0, 2, 0);
  t.is(guest.readAt("address", 0, 4), 0x80ff_fffc);
});

test("configuration space is read and written by bytes, words and double words", (t) => {
  const guest = plain();
  t.is(get(guest, lpc, 0, 2), 0x8086);
  t.is(get(guest, lpc, 2, 2), 0x2918);
  t.is(get(guest, lpc, 0x0a, 1), 0x01);
  set(guest, lpc, 0x61, 1, 0x0b);
  t.is(get(guest, lpc, 0x60), 0x8080_0b80);
  set(guest, lpc, 0x62, 2, 0x0a05);
  t.is(get(guest, lpc, 0x60), 0x0a05_0b80);
});

test("a byte written beside bits that a 1 clears leaves those", (t) => {
  const guest = plain();
  set(guest, other, 0x40, 1, 0x55);
  t.is(get(guest, other, 0x40), 0xffff_0055);
  set(guest, other, 0x42, 1, 0x0f);
  t.is(get(guest, other, 0x40), 0xfff0_0055);
});

test("ECAM shows the same registers, at the place of each function", (t) => {
  const guest = plain();
  t.deepEqual(places, { mch: 0, lpc: 0xf_8000, sample: 0xf_d000 });
  t.is(guest.readAt("ecam", 0xf_8000, 4), 0x2918_8086);
  t.is(guest.readAt("ecam", 0xf_8002, 2), 0x2918);
  t.is(guest.readAt64("ecam", 0xf_8000), 0x0200_0007_2918_8086n);
  t.is(guest.readAt("ecam", 0xf_9000, 4), 0xffff_ffff);
  guest.writeAt("ecam", 0xf_8061, 1, 0x0d);
  t.is(get(guest, lpc, 0x61, 1), 0x0d);
  t.is(guest.readAt("lpc", 0, 4), 0x2918_8086);
  guest.writeAt("lpc", 0x60, 1, 0x0c);
  t.is(get(guest, lpc, 0x60, 1), 0x0c);
  set(guest, mch, 0x91, 1, 0x33);
  t.is(guest.readAt("mch", 0x90, 4), 0x3300);
  t.is(guest.readAt("mch", 0x100, 4), 0, "no extended capabilities");
});

test("the ACPI block and the configuration window are where the bridges say", (t) => {
  const guest = plain();
  t.is(get(guest, lpc, 0x40), 0x601);
  t.is(get(guest, lpc, 0x44, 1), 0x80);
  t.is(get(guest, mch, 0x60), 0xb000_0001);
  t.is(get(guest, mch, 0x64), 0);
  set(guest, lpc, 0x40, 4, 0x1000);
  set(guest, mch, 0x60, 4, 0);
  t.is(get(guest, lpc, 0x40), 0x601);
  t.is(get(guest, mch, 0x60), 0xb000_0001);
});

test("a function says that it is one of several where it is", (t) => {
  const guest = plain();
  t.is(get(guest, mch, 0x0e, 1), 0x00);
  t.is(get(guest, lpc, 0x0e, 1), 0x80);
});

test("a base address tells its size, and takes an address", (t) => {
  const guest = plain();
  set(guest, other, 0x10, 4, 0xffff_ffff);
  t.is(get(guest, other, 0x10), 0xffff_f000);
  set(guest, other, 0x10, 4, 0xc000_0000);
  t.is(guest.readAt("sample", 0x10, 4), 0xc000_0000);
  t.is(get(guest, other, 0x14), 0);
});

test("a function's own handlers are used through both mechanisms", (t) => {
  const guest = plain();
  set(guest, other, 0x44, 4, 21);
  t.is(get(guest, other, 0x44), 42);
  t.is(guest.readAt("sample", 0x44, 4), 42);
});

test("decoding and bus mastering are switched where they are not fixed", (t) => {
  const guest = plain();
  set(guest, other, 4, 2, 0xffff);
  t.is(get(guest, other, 4, 2), 0x0407);
  set(guest, lpc, 4, 2, 0);
  t.is(get(guest, lpc, 4, 2), 0x0007);
});

test("a byte at port 0xcf9 resets, and does not disturb the address", (t) => {
  const guest = plain();
  select(guest, lpc, 0);
  guest.writeAt("address", 1, 1, 0x02);
  t.deepEqual(guest.signals("reset"), []);
  guest.writeAt("address", 1, 1, 0x06);
  t.is(guest.signals("reset").length, 1);
  t.is(guest.readAt("address", 0, 4), 0x8000_f800);
});

test("two functions at one place, and a device without function 0, are refused", (t) => {
  const bridge = q35Mch(ecamGpa, 256);
  t.throws(() => pciHost({ functions: [bridge, q35Mch(ecamGpa, 256)], buses: 256 }), {
    message: /mch and mch lie at one place/,
  });
  t.throws(() => pciHost({ functions: [bridge, sample], buses: 256 }), {
    message: /PCI device 31 has sample and no function 0/,
  });
});

test("numbers that no bus has, and registers in the wrong place, are refused", (t) => {
  const options = { name: "x", device: 1, function: 0, vendorId: 1, deviceId: 1, classCode: 0 };
  t.throws(() => pciFunction({ ...options, device: 32 }), { message: /0 to 31, not 32/ });
  t.throws(() => pciFunction({ ...options, function: 8 }), { message: /0 to 7, not 8/ });
  t.throws(() => q35Mch(ecamGpa, 100), { message: /64, 128 or 256/ });
  t.throws(() => q35Mch(ecamGpa + 2 ** 20, 256), { message: /aligned/ });
});
