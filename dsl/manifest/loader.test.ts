import test from "ava";
import { gib, guest, image, mib, multiboot, multiboot2, payload, pvh } from "../image.ts";
import { ManifestError, type ManifestCode } from "./error.ts";
import { maxModules } from "./kernel.ts";
import type { ExecutableLoaderModel, ImageModel } from "./model.ts";
import { samplePc } from "./testing/sample.ts";
import type { Bytes } from "./units.ts";

type Protocol = typeof pvh | typeof multiboot | typeof multiboot2;
type Options = Omit<Parameters<Protocol>[0], "kernel">;

function modelOf(protocol: Protocol, options: Options = {}, memory: Bytes = mib(64)): ImageModel {
  const kernel = protocol({ kernel: payload("vmlinux"), ...options });
  const one = guest({ name: "one", memory, vcpus: 1, kernel, devices: samplePc() });
  return image({ name: "sample", guests: [one] }).model;
}

function loaderOf(protocol: Protocol, options: Options = {}, memory: Bytes = mib(64)): ExecutableLoaderModel {
  return modelOf(protocol, options, memory).guests[0]!.loader as ExecutableLoaderModel;
}

const longest = "x".repeat(4095);
const most = Array.from({ length: maxModules }, () => ({ payload: payload("m"), commandLine: longest }));
const protocols = { pvh, multiboot, multiboot2 };

for (const [name, protocol] of Object.entries(protocols)) {
  test(`what ${name} places never overlaps, and segments have room around it only`, (t) => {
    for (const options of [{}, { commandLine: "x" }, { commandLine: longest, modules: most }]) {
      for (const memory of [mib(4), gib(4)]) {
        const { placed, rooms, loadLimitGpa } = loaderOf(protocol, options, memory);
        const all = placed.map((p) => ({ start: p.gpa, end: p.gpa + p.bytes.length }));
        all.push(...rooms.map((r) => ({ start: r.gpa, end: r.gpa + r.sizeBytes })));
        // What kernels read of a BIOS's data area lies in the first page.
        const low = all.filter((p) => p.start < 0x1000);
        t.deepEqual(
          low.map((p) => p.start),
          name === "pvh" ? [] : [0x40e, 0x413],
        );
        all.splice(0, low.length);
        // The first page, what lies above the RAM below 1 MiB, and the end of the RAM.
        all.push(
          { start: 0, end: 0x1000 },
          { start: 0x9_fc00, end: 0x10_0000 },
          { start: loadLimitGpa, end: 2 ** 33 },
        );
        all.sort((a, b) => a.start - b.start);
        all.slice(1).forEach((next, i) => t.true(all[i]!.end <= next.start, `${all[i]!.end} ${next.start}`));
        t.deepEqual(rooms.at(-1), { gpa: 0x10_0000, sizeBytes: loadLimitGpa - 0x10_0000 });
      }
    }
  });

  if (name !== "multiboot2")
    test(`the entries of ${name}'s modules lie in the page of the start information, one after the other`, (t) => {
      const { modules, startInfoGpa, placed } = loaderOf(protocol, { modules: most });
      const info = placed.find((p) => p.gpa === startInfoGpa)!;
      const stride = name === "pvh" ? 32 : 16;
      t.true(info.bytes.length < 4096);
      modules.forEach((m, i) => t.is(m.entryGpa, modules[0]!.entryGpa + stride * i));
      t.true(modules.at(-1)!.entryGpa + stride <= startInfoGpa + info.bytes.length);
    });

  if (name !== "multiboot2")
    test(`a command line that ${name} does not have is told as none`, (t) => {
      const { placed, modules } = loaderOf(protocol, { modules: [{ payload: payload("m") }] });
      t.deepEqual(
        placed.filter((p) => p.gpa >= 0x1000).map((p) => p.name),
        ["descriptor table", "start information"],
      );
      const { bytes, gpa } = placed.at(-1)!;
      const [commandLineAt, ofModuleAt] = name === "pvh" ? [24, 16] : [16, 8];
      t.deepEqual(bytes.slice(commandLineAt, commandLineAt + 4), [0, 0, 0, 0]);
      const entry = modules[0]!.entryGpa - gpa;
      t.deepEqual(bytes.slice(entry + ofModuleAt, entry + ofModuleAt + 4), [0, 0, 0, 0]);
      // Multiboot says by bit 2 whether there is one.
      if (name === "multiboot") t.is(bytes[0]! & 4, 0);
    });
}

test("multiboot 2's information holds the longest command lines itself", (t) => {
  const { placed, startInfoGpa, modules } = loaderOf(multiboot2, { commandLine: longest, modules: most });
  t.deepEqual(
    placed.filter((p) => p.gpa >= 0x1000).map((p) => p.name),
    ["descriptor table", "start information"],
  );
  const info = placed.find((p) => p.gpa === startInfoGpa)!;
  const stride = 16 + longest.length + 1;
  t.deepEqual(
    modules.map((m) => m.entryGpa),
    modules.map((_, i) => modules[0]!.entryGpa + stride * i),
  );
  t.true(modules.at(-1)!.entryGpa + stride <= startInfoGpa + info.bytes.length);
});

test("kernels and modules are payloads in their own roles", (t) => {
  const { payloads, guests } = modelOf(pvh, {
    modules: [{ payload: payload("a") }, { payload: payload("b") }],
  });
  t.deepEqual(
    payloads.map((p) => [p.path, p.role]),
    [
      ["vmlinux", "pvh-kernel"],
      ["a", "module"],
      ["b", "module"],
    ],
  );
  t.deepEqual(
    (guests[0]!.loader as ExecutableLoaderModel).modules.map((m) => m.payload),
    [1, 2],
  );
  t.is(modelOf(multiboot).payloads[0]!.role, "multiboot-kernel");
  t.is(modelOf(multiboot2).payloads[0]!.role, "multiboot2-kernel");
});

test("multiboot kernels find a BIOS's data area that agrees with the map of memory", (t) => {
  const { placed } = loaderOf(multiboot);
  const word = (gpa: number): number => {
    const [low, high] = placed.find((p) => p.gpa === gpa)!.bytes;
    return low! + 256 * high!;
  };
  t.is(word(0x40e) << 4, 0x9_fc00);
  t.is(word(0x413), 639);
});

test("memory is told to multiboot up to its first hole", (t) => {
  const { placed } = loaderOf(multiboot, {}, gib(4));
  const view = new DataView(Uint8Array.from(placed.at(-1)!.bytes).buffer);
  t.deepEqual([view.getUint32(4, true), view.getUint32(8, true)], [639, 2047 * 1024]);
});

test("more modules than there is room for, and command lines that cannot be passed on, are refused", (t) => {
  const refuses = (code: ManifestCode, options: Options): void => {
    for (const protocol of Object.values(protocols)) {
      const error = t.throws(() => loaderOf(protocol, options), { instanceOf: ManifestError });
      t.is(error.code, code);
      t.regex(error.at.stack ?? "", /loader\.test\.ts/);
    }
  };
  refuses("TV5123", { modules: [...most, ...most].slice(0, maxModules + 1) });
  refuses("TV5119", { commandLine: "é" });
  refuses("TV5119", { modules: [{ payload: payload("m"), commandLine: `${longest}x` }] });
  t.notThrows(() => loaderOf(pvh, { commandLine: longest, modules: most }));
});
