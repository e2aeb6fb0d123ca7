import test from "ava";
import { u8 } from "../../../dsl/core/int.ts";
import {
  addressOf,
  load32,
  load64,
  load8,
  store16,
  store32,
  store64,
  store8,
} from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import type { GuestModel, LinuxLoaderModel } from "../../../dsl/manifest/model.ts";
import { BootInfo, BootProblem } from "../../../kernel/boot.ts";
import { addExtent, addSlot, SlotKind, SlotTable } from "../../../kernel/slots.ts";
import { linuxLoader, readLinuxHeader } from "./linux.ts";

const mib = 1 << 20;

/** A kernel of 5 sectors of set-up and `kernelBytes` of protected-mode part, with a header of protocol 2.15. */
function bzImage(kernelBytes = 0x1000) {
  const bytes = 5 * 512 + kernelBytes;
  const address = addressOf(make(array(u8, bytes)));
  store8(address + 0x1f1n, 4);
  store16(address + 0x1fen, 0xaa55);
  store8(address + 0x201n, 0x6a);
  store32(address + 0x202n, 0x5372_6448);
  store16(address + 0x206n, 0x020f);
  store8(address + 0x211n, 1);
  store32(address + 0x22cn, 0x7fff_ffff);
  store32(address + 0x230n, 0x20_0000);
  store8(address + 0x234n, 1);
  store64(address + 0x258n, 0x100_0000n);
  store32(address + 0x260n, 0x30_0000);
  store32(address + BigInt(5 * 512), 0x1234_5678);
  return { address, bytes: BigInt(bytes) };
}

const limit = BigInt(64 * mib);

test("a relocatable kernel goes to its preferred address, another to the fixed one", (t) => {
  const kernel = bzImage();
  t.like(readLinuxHeader(kernel.address, kernel.bytes, 0x10_0000n, limit), {
    ok: true,
    setupBytes: 2560n,
    loadAddress: 0x100_0000n,
    needs: 0x30_0000n,
    headerEnd: 0x26cn,
  });
  store8(kernel.address + 0x234n, 0);
  t.is(readLinuxHeader(kernel.address, kernel.bytes, 0x10_0000n, limit).loadAddress, 0x10_0000n);
});

test("a set-up sector count of 0 means 4", (t) => {
  const kernel = bzImage();
  store8(kernel.address + 0x1f1n, 0);
  t.is(readLinuxHeader(kernel.address, kernel.bytes, 0n, limit).setupBytes, 2560n);
});

test("what is no bzImage, or a hostile one, is refused", (t) => {
  const changes: readonly (readonly [string, (address: bigint) => void])[] = [
    ["no boot flag", (a) => store16(a + 0x1fen, 0)],
    ["no magic", (a) => store32(a + 0x202n, 0)],
    ["an old protocol", (a) => store16(a + 0x206n, 0x0205)],
    ["a zImage", (a) => store8(a + 0x211n, 0)],
    ["more set-up than payload", (a) => store8(a + 0x1f1n, 255)],
    ["a load address in low memory", (a) => store64(a + 0x258n, 0x1000n)],
    ["a load address beyond memory", (a) => store64(a + 0x258n, limit)],
    ["a load address that wraps with its size", (a) => store64(a + 0x258n, 0xffff_ffff_ffff_f000n)],
    ["more memory than there is", (a) => store32(a + 0x260n, 0xffff_ffff)],
  ];
  for (const [what, change] of changes) {
    const kernel = bzImage();
    change(kernel.address);
    t.false(readLinuxHeader(kernel.address, kernel.bytes, 0x10_0000n, limit).ok, what);
  }
  const short = bzImage();
  t.false(readLinuxHeader(short.address, 0x200n, 0x10_0000n, limit).ok, "truncated");
  t.false(readLinuxHeader(short.address, 2560n, 0x10_0000n, limit).ok, "no protected-mode part");
});

test("a kernel that needs less memory than it has bytes gets room for its bytes", (t) => {
  const kernel = bzImage(0x40_0000);
  t.is(readLinuxHeader(kernel.address, kernel.bytes, 0x10_0000n, limit).needs, 0x40_0000n);
});

/** A guest of 64 MiB with a kernel and an initrd of `initrdBytes`. */
function guest(name: string, initrdBytes: number, memoryBytes = 64 * mib) {
  const model = {
    index: 0,
    name,
    memoryBytes,
    slots: [],
    e820: [
      { gpa: 0, sizeBytes: 0x9_fc00, type: "ram" },
      { gpa: mib, sizeBytes: memoryBytes - mib, type: "ram" },
    ],
    vcpus: [{ index: 0, apicId: 0 }],
    loader: {
      kind: "linux",
      kernelPayload: 0,
      initrdPayload: 1,
      commandLine: "console=ttyS0",
      gdtGpa: 0x6000,
      bootParamsGpa: 0x7000,
      commandLineGpa: 0x8000,
      placed: [
        { name: "descriptor table", gpa: 0x6000, bytes: [0, 1, 2, 3] },
        { name: "command line", gpa: 0x8000, bytes: [...Buffer.from("console=ttyS0\0")] },
      ],
      kernelGpa: mib,
      loadLimitGpa: memoryBytes,
    },
    acpi: {
      rsdpGpa: 0xf_0000,
      tables: [{ signature: "RSD PTR ", gpa: 0xf_0000, bytes: [0x52, 0x53, 0x44] }],
    },
  } as unknown as GuestModel;
  const slots = make(SlotTable);
  const host = (addressOf(make(array(u8, memoryBytes + 4096))) + 0xfffn) & ~0xfffn;
  addExtent(slots, 0, host, BigInt(memoryBytes));
  addSlot(slots, SlotKind.ram, 0, 0n, BigInt(memoryBytes), 0n);
  const boot = make(BootInfo);
  const kernel = bzImage();
  boot.payloads[0].address = kernel.address;
  boot.payloads[0].bytes = kernel.bytes;
  const initrd = addressOf(make(array(u8, Math.max(initrdBytes, 1))));
  store8(initrd, 0x77);
  boot.payloads[1].address = initrd;
  boot.payloads[1].bytes = BigInt(initrdBytes);
  return { loader: linuxLoader(model, model.loader as LinuxLoaderModel), slots, boot, host, kernel };
}

test("everything lies where the boot protocol wants it", (t) => {
  const g = guest("places", 5000);
  t.is(g.loader.load(g.slots, g.boot).problem, BootProblem.none);
  const at = (gpa: number) => g.host + BigInt(gpa);
  t.is(load32(at(0x100_0000)), 0x1234_5678);
  t.is(load8(at(0xf_0000)), 0x52);
  const text = Array.from({ length: 14 }, (_, i) => load8(at(0x8000 + i)));
  t.is(String.fromCharCode(...text), "console=ttyS0\0");
  const params = 0x7000;
  t.is(load32(at(params + 0x202)), 0x5372_6448);
  t.is(load8(at(params + 0x210)), 0xff);
  t.is(load32(at(params + 0x214)), 0x100_0000);
  t.is(load32(at(params + 0x228)), 0x8000);
  t.is(load64(at(params + 0x70)), 0xf_0000n);
  const initrd = load32(at(params + 0x218));
  t.is(initrd, 64 * mib - 8192);
  t.is(load32(at(params + 0x21c)), 5000);
  t.is(load8(at(initrd)), 0x77);
  t.is(load8(at(params + 0x1e8)), 2);
  t.deepEqual(
    [load64(at(params + 0x2d0)), load64(at(params + 0x2d8)), load32(at(params + 0x2e0))],
    [0n, 0x9_fc00n, 1],
  );
  t.is(load64(at(params + 0x2e4)), BigInt(mib));
  t.is(load32(at(0x6000)), 0x0302_0100);
  t.is(g.loader.entry(), 0x100_0000n);
  t.deepEqual(g.loader.start, {
    gdtGpa: 0x6000n,
    registers: [{ index: 6, value: 0x7000n }],
    taskState: false,
  });
});

test("missing payloads, and an initrd for which there is no room, are named", (t) => {
  const missing = guest("missing", 0);
  t.deepEqual(missing.loader.check(missing.boot), { problem: BootProblem.payloadMissing, detail: 1n });
  missing.boot.payloads[0].bytes = 0n;
  t.deepEqual(missing.loader.check(missing.boot), { problem: BootProblem.payloadMissing, detail: 0n });
  const large = guest("large", 8 * mib, 24 * mib);
  t.is(large.loader.check(large.boot).problem, BootProblem.noMemory);
  store16(large.kernel.address + 0x1fen, 0);
  t.deepEqual(large.loader.check(large.boot), { problem: BootProblem.payloadNotBootable, detail: 0n });
});

test("a header that claims to be long does not write over what follows it in boot_params", (t) => {
  const g = guest("long", 100);
  store8(g.kernel.address + 0x201n, 0xff);
  t.is(g.loader.load(g.slots, g.boot).problem, BootProblem.none);
  t.is(load64(g.host + 0x72d0n), 0n);
});
