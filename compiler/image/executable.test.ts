import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { guest, image, mib, multiboot, multiboot2, payload, pvh } from "../../dsl/image.ts";
import { samplePc } from "../../dsl/manifest/testing/sample.ts";
import type { Bytes } from "../../dsl/manifest/units.ts";
import {
  elfFile,
  multiboot2Kernel,
  multibootHeader,
  multibootKernel,
  notes,
  pvhKernel,
  xenNote,
  type Multiboot2Tag,
} from "../../dsl/payload/testing/elf-file.ts";
import { checkPayloads, PayloadProblem, type PayloadCode } from "./payload-check.ts";

const oneMebibyte = 1 << 20;

interface Case {
  readonly kernel: Uint8Array;
  readonly protocol?: typeof pvh | typeof multiboot | typeof multiboot2;
  readonly modules?: readonly Uint8Array[];
  readonly memory?: Bytes;
}

/** Checks a guest whose files are written for it. */
function check({ kernel, protocol = pvh, modules = [], memory = mib(8) }: Case): void {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-payloads-"));
  try {
    writeFileSync(join(folder, "kernel"), kernel);
    modules.forEach((bytes, i) => writeFileSync(join(folder, `module-${i}`), bytes));
    const one = guest({
      name: "one",
      memory,
      vcpus: 1,
      kernel: protocol({
        kernel: payload("kernel"),
        modules: modules.map((_, i) => ({ payload: payload(`module-${i}` as string) })),
      }),
      devices: samplePc(),
    });
    checkPayloads(image({ name: "sample", guests: [one] }), { imageFolder: folder, cacheFolder: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function refuses(t: ExecutionContext, code: PayloadCode, words: string, files: Case): void {
  const error = t.throws(() => check(files), { instanceOf: PayloadProblem });
  t.is(error.code, code, error.message);
  t.true(error.message.includes(words), error.message);
  t.regex(error.at?.stack ?? "", /executable\.test\.ts/);
  t.is(error.related.length, error.message.startsWith("payload") && code === "TV6102" ? 0 : 1);
}

const data = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(1);
const code = { virtualAddress: oneMebibyte, data: data(64), memoryBytes: 0x1000 };

test("kernels that can be loaded are accepted, in either class", (t) => {
  for (const wide of [false, true]) {
    t.notThrows(() => check({ kernel: pvhKernel(oneMebibyte, { wide }) }));
    t.notThrows(() => check({ kernel: multibootKernel(3, oneMebibyte, { wide }), protocol: multiboot }));
  }
});

test("a truncated file is refused wherever it ends", (t) => {
  const kernel = pvhKernel();
  refuses(t, "TV6103", "within its ELF header", { kernel: kernel.subarray(0, 40) });
  refuses(t, "TV6103", "before its program headers", { kernel: kernel.subarray(0, 100) });
  // Its note lies in front of its code.
  const noteFirst = elfFile({ segments: [{ type: 4, data: xenNote(oneMebibyte) }, code] });
  refuses(t, "TV6103", "before segment 1 does", { kernel: noteFirst.subarray(0, noteFirst.length - 1) });
});

test("what is no ELF executable for x86, or contradicts itself, is refused", (t) => {
  refuses(t, "TV6109", "no ELF file", { kernel: data(4096) });
  refuses(t, "TV6109", "no executable for x86", {
    kernel: pvhKernel(oneMebibyte, { change: (v) => v.setUint16(18, 40, true) }),
  });
  refuses(t, "TV6109", "more than 32", {
    kernel: pvhKernel(oneMebibyte, { change: (v) => v.setUint16(44, 99, true) }),
  });
  refuses(t, "TV6109", "no segment", { kernel: elfFile({ segments: [{ type: 4, data: xenNote(0) }] }) });
  refuses(t, "TV6109", "more bytes for segment 0 (0x40) than the segment has in memory (0x20)", {
    kernel: pvhKernel(oneMebibyte, { change: (v) => v.setUint32(52 + 20, 0x20, true) }),
  });
  refuses(t, "TV6109", "segment 1 overlap", {
    kernel: elfFile({ segments: [code, code, { type: 4, data: xenNote(oneMebibyte) }] }),
  });
});

test("a kernel without PVH's note, or with a damaged one, is refused", (t) => {
  const noted = (content: Uint8Array): Uint8Array =>
    elfFile({ segments: [code, { type: 4, data: content }] });
  refuses(t, "TV6110", "no note", { kernel: multibootKernel() });
  refuses(t, "TV6110", "beyond its segment", { kernel: noted(xenNote(oneMebibyte).subarray(0, 17)) });
  refuses(t, "TV6110", "neither 4 nor 8", {
    kernel: noted(notes([{ name: "Xen", type: 18, content: [1] }])),
  });
});

test("a kernel without a multiboot header that can be followed is refused", (t) => {
  const protocol = multiboot;
  refuses(t, "TV6111", "no multiboot header", { kernel: pvhKernel(), protocol });
  refuses(t, "TV6111", "what is not provided", { kernel: multibootKernel(7), protocol });
  const flat = Uint8Array.from([...multibootHeader(0x1_0003, 0, oneMebibyte, 0, 0, 0), ...data(64)]);
  refuses(t, "TV6111", "contradict", { kernel: flat, protocol });
});

test("a kernel whose header of multiboot 2 requires what is not provided is refused with what it is", (t) => {
  const refusesTags = (words: string, ...tags: readonly Multiboot2Tag[]): void =>
    refuses(t, "TV6111", words, { kernel: multiboot2Kernel(tags), protocol: multiboot2 });
  refuses(t, "TV6111", "no multiboot header", { kernel: multibootKernel(), protocol: multiboot2 });
  refusesTags("not provided: a framebuffer", [5, [0, 0, 0]]);
  refusesTags("not provided: a console", [4, [1]]);
  refusesTags("not provided: a tag of type 12", [12, []]);
  refusesTags("information of type 7", [1, [7]]);
  refusesTags("tag of type 3 is too short", [3, []]);
  refusesTags("none with the entry point", [2, [0, 0, 0, 0]]);
  const nowhere = multiboot2Kernel([[10, [9 * oneMebibyte, 0xffff_ffff, 1, 0]]]);
  refuses(t, "TV6113", 'no place, and guest "one" has room', { kernel: nowhere, protocol: multiboot2 });
  const kernel = multiboot2Kernel([[5, [0, 0, 0], "optional"]], oneMebibyte, { wide: true });
  t.notThrows(() => check({ kernel, protocol: multiboot2 }));
});

test("an entry point outside of the kernel is refused", (t) => {
  const kernel = elfFile({ segments: [code, { type: 4, data: xenNote(oneMebibyte + 0x1000) }] });
  refuses(t, "TV6112", "in none of its segments", { kernel });
});

test("a segment that the guest has no place for is refused with where there is one", (t) => {
  refuses(t, "TV6113", "segment 0 at 0x800000 with 0x1000 bytes", { kernel: pvhKernel(8 * oneMebibyte) });
  refuses(t, "TV6113", "0x100000 to 0x7fffff", { kernel: pvhKernel(0xe_0000) });
  refuses(t, "TV6113", "segment 0 at 0x7000", { kernel: pvhKernel(0x7000) });
  t.notThrows(() => check({ kernel: pvhKernel(7 * oneMebibyte) }));
});

test("modules must fit between the kernel and the end of memory, each on pages of its own", (t) => {
  const kernel = pvhKernel(7 * oneMebibyte);
  // The kernel's page leaves 255 pages.
  t.notThrows(() => check({ kernel, modules: [data(254 * 4096), data(1)] }));
  refuses(t, "TV6107", "needs 9 MiB below 8 MiB", { kernel, modules: [data(254 * 4096 + 1), data(1)] });
  refuses(t, "TV6102", "module-0", { kernel, modules: [data(0)] });
});
