import test from "ava";
import { u8 } from "../../../dsl/core/int.ts";
import { addressOf, load32, load64, load8, store32, store8 } from "../../../dsl/core/intrinsics.ts";
import { array, make } from "../../../dsl/core/layout.ts";
import { guest, image, mib, multiboot, multiboot2, payload, pvh } from "../../../dsl/image.ts";
import { samplePc } from "../../../dsl/manifest/testing/sample.ts";
import type { ExecutableLoaderModel, GuestModel } from "../../../dsl/manifest/model.ts";
import {
  elfFile,
  multiboot2Kernel,
  multibootHeader,
  multibootKernel,
  pvhKernel,
  xenNote,
} from "../../../dsl/payload/testing/elf-file.ts";
import { BootInfo, BootProblem } from "../../../kernel/boot.ts";
import { addExtent, addSlot, SlotKind, SlotTable } from "../../../kernel/slots.ts";
import { executableLoader } from "./executable.ts";

const oneMebibyte = 1 << 20;
const memoryBytes = 4 * oneMebibyte;

/** Bytes in the memory of the test. */
function placed(bytes: Uint8Array): bigint {
  const address = addressOf(make(array(u8, Math.max(bytes.length, 1))));
  bytes.forEach((byte, i) => store8(address + BigInt(i), byte));
  return address;
}

interface Parts {
  readonly kernel: Uint8Array;
  readonly modules?: readonly Uint8Array[];
}

/** A guest of 4 MiB as its manifest resolves it, with its payloads and its memory. */
function guestWith(
  protocol: typeof pvh | typeof multiboot | typeof multiboot2,
  { kernel, modules = [] }: Parts,
) {
  const { model } = image({
    name: "sample",
    guests: [
      guest({
        name: "one",
        memory: mib(4),
        vcpus: 1,
        kernel: protocol({
          kernel: payload("kernel"),
          commandLine: "console=ttyS0",
          modules: modules.map((_, i) => ({
            payload: payload(`module-${i}` as string),
            ...(i === 0 && { commandLine: "first one" }),
          })),
        }),
        devices: samplePc(),
      }),
    ],
  });
  const guestModel: GuestModel = model.guests[0]!;
  const slots = make(SlotTable);
  const host = (addressOf(make(array(u8, memoryBytes + 4096))) + 0xfffn) & ~0xfffn;
  addExtent(slots, 0, host, BigInt(memoryBytes));
  for (const s of guestModel.slots)
    addSlot(slots, SlotKind.ram, 0, BigInt(s.gpa), BigInt(s.sizeBytes), BigInt(s.ramOffset));
  const boot = make(BootInfo);
  [kernel, ...modules].forEach((bytes, i) => {
    boot.payloads[i]!.address = placed(bytes);
    boot.payloads[i]!.bytes = BigInt(bytes.length);
  });
  const at = (gpa: number): bigint => host + BigInt(gpa);
  const textAt = (gpa: number): string => {
    let text = "";
    for (let i = at(gpa); load8(i) !== 0; i++) text += String.fromCharCode(load8(i));
    return text;
  };
  const loader = executableLoader(guestModel, guestModel.loader as ExecutableLoaderModel);
  return { loader, slots, boot, at, textAt, guestModel };
}

const filled = (bytes: number, value: number): Uint8Array => new Uint8Array(bytes).fill(value);
const modules = [filled(5000, 0x11), filled(1, 0x22)];
const lastPlaces = [memoryBytes - 8192, memoryBytes - 12_288];

test("segments are loaded to their places, and memory behind what the file holds stays zero", (t) => {
  const kernel = elfFile({
    segments: [
      { virtualAddress: oneMebibyte, data: filled(100, 0xaa), memoryBytes: 0x2000 },
      { virtualAddress: 0x2000, data: filled(50, 0xbb) },
      { type: 4, data: xenNote(0x2004) },
    ],
  });
  const g = guestWith(pvh, { kernel });
  t.is(g.loader.load(g.slots, g.boot).problem, BootProblem.none);
  t.is(g.loader.entry(), 0x2004n);
  t.deepEqual(
    [load8(g.at(oneMebibyte)), load8(g.at(oneMebibyte + 99)), load8(g.at(oneMebibyte + 100))],
    [0xaa, 0xaa, 0],
  );
  t.deepEqual(
    [load8(g.at(0x1fff)), load8(g.at(0x2000)), load8(g.at(0x2031)), load8(g.at(0x2032))],
    [0, 0xbb, 0xbb, 0],
  );
});

test("a PVH kernel is told of its command line, its modules, its tables and its memory", (t) => {
  const g = guestWith(pvh, { kernel: pvhKernel(), modules });
  t.is(g.loader.load(g.slots, g.boot).problem, BootProblem.none);
  const info = 0x7000;
  t.deepEqual(
    [0, 4, 8, 12].map((offset) => load32(g.at(info + offset))),
    [0x336e_c578, 1, 0, 2],
  );
  const word = (gpa: number): number => Number(load64(g.at(gpa)));
  const [list, commandLine, rsdp, map] = [16, 24, 32, 40].map((offset) => word(info + offset)) as [
    number,
    number,
    number,
    number,
  ];
  t.is(g.textAt(commandLine), "console=ttyS0");
  t.is(g.textAt(rsdp).slice(0, 8), "RSD PTR ");
  t.deepEqual(
    [word(list), word(list + 8), g.textAt(word(list + 16)), word(list + 24)],
    [lastPlaces[0], 5000, "first one", 0],
  );
  t.deepEqual([word(list + 32), word(list + 40), word(list + 48), word(list + 56)], [lastPlaces[1], 1, 0, 0]);
  t.deepEqual(
    [load8(g.at(lastPlaces[0]!)), load8(g.at(lastPlaces[0]! + 4999)), load8(g.at(lastPlaces[1]!))],
    [0x11, 0x11, 0x22],
  );
  const e820 = g.guestModel.e820;
  t.deepEqual([load32(g.at(info + 48)), load32(g.at(info + 52))], [e820.length, 0]);
  e820.forEach((e, i) => {
    const entry = map + 24 * i;
    t.deepEqual([word(entry), word(entry + 8), load32(g.at(entry + 20))], [e.gpa, e.sizeBytes, 0]);
    t.is(load32(g.at(entry + 16)), { ram: 1, reserved: 2, acpi: 3, nvs: 4 }[e.type]);
  });
  t.deepEqual(g.loader.start, {
    gdtGpa: 0x6000n,
    registers: [{ index: 3, value: 0x7000n }],
    taskState: true,
  });
  t.deepEqual([load64(g.at(0x6010)), load64(g.at(0x6018))], [0x00cf_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn]);
});

test("a multiboot kernel is told the same in its own structures", (t) => {
  const g = guestWith(multiboot, { kernel: multibootKernel(), modules });
  t.is(g.loader.load(g.slots, g.boot).problem, BootProblem.none);
  const info = 0x7000;
  const word = (gpa: number): number => load32(g.at(gpa));
  // Memory, command line, modules, memory map, loader's name.
  t.is(word(info), 0b10_0100_1101);
  t.deepEqual([word(info + 4), word(info + 8)], [639, 3 * 1024]);
  t.is(g.textAt(word(info + 16)), "console=ttyS0");
  const list = word(info + 24);
  t.is(word(info + 20), 2);
  t.deepEqual(
    [word(list), word(list + 4), g.textAt(word(list + 8)), word(list + 12)],
    [lastPlaces[0], lastPlaces[0]! + 5000, "first one", 0],
  );
  t.deepEqual([word(list + 16), word(list + 20), word(list + 24)], [lastPlaces[1], lastPlaces[1]! + 1, 0]);
  const e820 = g.guestModel.e820;
  t.is(word(info + 44), 24 * e820.length);
  e820.forEach((e, i) => {
    const entry = word(info + 48) + 24 * i;
    t.is(word(entry), 20);
    t.deepEqual([load64(g.at(entry + 4)), load64(g.at(entry + 12))], [BigInt(e.gpa), BigInt(e.sizeBytes)]);
    t.is(word(entry + 20), { ram: 1, reserved: 2, acpi: 3, nvs: 4 }[e.type]);
  });
  t.is(g.textAt(word(info + 64)), "Typevisor");
  t.deepEqual(g.loader.start, {
    gdtGpa: 0x6000n,
    registers: [
      { index: 3, value: 0x7000n },
      { index: 0, value: 0x2bad_b002n },
    ],
    taskState: false,
  });
});

test("a multiboot 2 kernel is told the same in tags, and where it lies", (t) => {
  const tags = [
    [1, [3, 6, 15]],
    [10, [2 * oneMebibyte, 0xffff_ffff, 0x1000, 0]],
  ] as const;
  const g = guestWith(multiboot2, { kernel: multiboot2Kernel(tags), modules });
  t.is(g.loader.load(g.slots, g.boot).problem, BootProblem.none);
  // Moved from 1 MiB.
  t.is(g.loader.entry(), BigInt(2 * oneMebibyte));
  const info = 0x7000;
  const word = (gpa: number): number => load32(g.at(gpa));
  const found: (readonly [number, number, number])[] = [];
  for (let at = info + 8; at < info + word(info); at = (at + word(at + 4) + 7) & ~7)
    found.push([word(at), at, word(at + 4)]);
  t.deepEqual(
    found.map(([type]) => type),
    [1, 2, 3, 3, 4, 6, 15, 21, 0],
  );
  const [commandLine, name, first, second, memory, map, rsdp, base, end] = found.map(([, at]) => at) as [
    ...[number, number, number, number, number, number, number, number, number],
  ];
  t.is(g.textAt(commandLine + 8), "console=ttyS0");
  t.is(g.textAt(name + 8), "Typevisor");
  t.deepEqual(
    [word(first + 8), word(first + 12), g.textAt(first + 16)],
    [lastPlaces[0], lastPlaces[0]! + 5000, "first one"],
  );
  t.deepEqual(
    [word(second + 8), word(second + 12), g.textAt(second + 16)],
    [lastPlaces[1], lastPlaces[1]! + 1, ""],
  );
  t.deepEqual([word(memory + 8), word(memory + 12)], [639, 3 * 1024]);
  const e820 = g.guestModel.e820;
  t.deepEqual([word(map + 4), word(map + 8), word(map + 12)], [16 + 24 * e820.length, 24, 0]);
  e820.forEach((e, i) => {
    const entry = map + 16 + 24 * i;
    t.deepEqual([load64(g.at(entry)), load64(g.at(entry + 8))], [BigInt(e.gpa), BigInt(e.sizeBytes)]);
    t.is(word(entry + 16), { ram: 1, reserved: 2, acpi: 3, nvs: 4 }[e.type]);
  });
  t.deepEqual([word(rsdp + 4), g.textAt(rsdp + 8).slice(0, 8)], [44, "RSD PTR "]);
  t.deepEqual([word(base + 4), word(base + 8)], [12, 2 * oneMebibyte]);
  t.deepEqual([word(end + 4), end + 8], [8, info + word(info)]);
  t.deepEqual(g.loader.start, {
    gdtGpa: 0x6000n,
    registers: [
      { index: 3, value: 0x7000n },
      { index: 0, value: 0x36d7_6289n },
    ],
    taskState: false,
  });
});

test("a multiboot kernel with address fields is loaded by them", (t) => {
  const gpa = 2 * oneMebibyte;
  const kernel = Uint8Array.from([
    ...filled(16, 0xcc),
    ...multibootHeader(0x1_0001, gpa + 0x10, gpa, 0, gpa + 0x1000, gpa + 4),
  ]);
  const g = guestWith(multiboot, { kernel });
  t.is(g.loader.load(g.slots, g.boot).problem, BootProblem.none);
  t.is(g.loader.entry(), BigInt(gpa + 4));
  t.deepEqual(
    [load8(g.at(gpa)), load32(g.at(gpa + 0x10)), load8(g.at(gpa + kernel.length))],
    [0xcc, 0x1bad_b002, 0],
  );
});

test("payloads that are missing, no kernels, or too large for the guest are named before anything is written", (t) => {
  const g = guestWith(pvh, { kernel: pvhKernel(), modules });
  const expects = (problem: BootProblem, detail: bigint): void => {
    t.deepEqual(g.loader.check(g.boot), { problem, detail });
    t.deepEqual(g.loader.load(g.slots, g.boot), { problem, detail });
    t.is(load32(g.at(0x7000)), 0);
  };
  g.boot.payloads[2]!.bytes = 0n;
  expects(BootProblem.payloadMissing, 2n);
  const room = BigInt(memoryBytes - oneMebibyte - 0x1000 - 8192);
  g.boot.payloads[2]!.bytes = room + 1n;
  expects(BootProblem.noMemory, room + 1n);
  g.boot.payloads[2]!.bytes = room;
  t.is(g.loader.check(g.boot).problem, BootProblem.none);
  g.boot.payloads[1]!.bytes = 1n << 40n;
  expects(BootProblem.noMemory, 1n << 40n);
  g.boot.payloads[1]!.bytes = 1n;
  store32(g.boot.payloads[0]!.address, 0);
  expects(BootProblem.payloadNotBootable, 0n);
  g.boot.payloads[0]!.bytes = 0n;
  expects(BootProblem.payloadMissing, 0n);
});
