import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { cpioArchive } from "../../ci/cpio.ts";
import { q35 } from "../../devices/q35.ts";
import {
  bios,
  espFile,
  gib,
  guest,
  image,
  linux,
  mib,
  payload,
  uefi,
  type Manifest,
} from "../../dsl/image.ts";
import { guestDevice } from "../../dsl/manifest/device.ts";
import { samplePc } from "../../dsl/manifest/testing/sample.ts";
import type { Bytes } from "../../dsl/manifest/units.ts";
import { InputFailure } from "../failure.ts";
import { checkPayloads, PayloadProblem, type CheckedPayload, type PayloadCode } from "./payload-check.ts";

/** A bzImage of nothing: a header of protocol 2.15 with 16 KiB of protected-mode code. */
function bzImage(change: (view: DataView) => void = () => undefined): Uint8Array {
  const setupBytes = 5 * 512;
  const protectedModeBytes = 16 * 1024;
  const bytes = new Uint8Array(setupBytes + protectedModeBytes).fill(0x90);
  bytes.fill(0, 0x1f1, 0x26c);
  const view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 4);
  view.setUint32(0x1f4, protectedModeBytes / 16, true);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint16(0x200, 0x6aeb, true);
  bytes.set(new TextEncoder().encode("HdrS"), 0x202);
  view.setUint16(0x206, 0x020f, true);
  view.setUint16(0x20e, 0x300, true);
  bytes.set(new TextEncoder().encode("6.1.0-test\0"), 0x500);
  view.setUint8(0x211, 1);
  view.setUint32(0x22c, 0x7fff_ffff, true);
  view.setUint32(0x230, 0x20_0000, true);
  view.setUint8(0x234, 1);
  view.setUint16(0x236, 0x7f, true);
  view.setUint32(0x238, 2047, true);
  view.setUint32(0x248, 0x100, true);
  view.setUint32(0x24c, 0x1000, true);
  view.setBigUint64(0x258, 0x100_0000n, true);
  view.setUint32(0x260, 0x337_8000, true);
  change(view);
  return bytes;
}

const archive = cpioArchive([{ kind: "file", path: "init", data: Buffer.from("#!/bin/sh\n"), mode: 0o755 }]);

interface Case {
  readonly kernel?: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly firmware?: Uint8Array;
  readonly code?: Uint8Array;
  readonly variables?: Uint8Array;
  readonly commandLine?: string;
  readonly disk?: Uint8Array;
  readonly memory?: Bytes;
}

function manifestOf({ initrd, firmware, code, disk, commandLine = "", memory = mib(512) }: Case): Manifest {
  if (code !== undefined) {
    const kernel = uefi({ code: payload("code.fd"), variables: payload("variables.fd") });
    const one = guest({ name: "one", memory, vcpus: 1, kernel, devices: [q35()] });
    return image({ name: "sample", guests: [one] });
  }
  if (firmware !== undefined) {
    const kernel = bios({ firmware: payload("bios.bin") });
    const one = guest({ name: "one", memory, vcpus: 1, kernel, devices: [q35()] });
    return image({ name: "sample", guests: [one] });
  }
  const kernel = linux({
    kernel: payload("vmlinuz"),
    ...(initrd && { initrd: payload("sub/initrd") }),
    commandLine,
  });
  const disks =
    disk === undefined ? [] : [guestDevice({ name: "disk", type: "disk", volume: espFile("disk.img") })];
  const one = guest({ name: "one", memory, vcpus: 1, kernel, devices: [...samplePc(), ...disks] });
  return image({ name: "sample", guests: [one] });
}

/** Checks a manifest of files that are written for it. */
function check(files: Case): Pick<CheckedPayload, "facts">[] {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-payloads-"));
  try {
    mkdirSync(join(folder, "image/sub"), { recursive: true });
    if (files.kernel !== undefined) writeFileSync(join(folder, "image/vmlinuz"), files.kernel);
    if (files.code !== undefined) writeFileSync(join(folder, "image/code.fd"), files.code);
    if (files.variables !== undefined) writeFileSync(join(folder, "image/variables.fd"), files.variables);
    if (files.firmware !== undefined) writeFileSync(join(folder, "image/bios.bin"), files.firmware);
    if (files.initrd !== undefined) writeFileSync(join(folder, "image/sub/initrd"), files.initrd);
    if (files.disk !== undefined) writeFileSync(join(folder, "image/disk.img"), files.disk);
    const search = { imageFolder: join(folder, "image"), cacheFolder: join(folder, "cache") };
    return checkPayloads(manifestOf(files), search).map(({ facts }) => ({ facts }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function refuses(t: ExecutionContext, code: PayloadCode, words: string, files: Case): void {
  const error = t.throws(() => check(files), { instanceOf: PayloadProblem });
  t.true(error instanceof InputFailure, "the command line takes it as wrong input");
  t.is(error.code, code);
  t.true(error.message.includes(words), error.message);
  t.regex(error.at?.stack ?? "", /payload-check\.test\.ts/);
}

test("a kernel's facts are those of its header", (t) => {
  const [kernel, initrd] = check({ kernel: bzImage(), initrd: archive });
  t.deepEqual(kernel!.facts.linux, {
    protocol: 0x20f,
    setupBytes: 2560,
    protectedModeBytes: 16_384,
    relocatable: true,
    kernelAlignment: 0x20_0000,
    prefAddress: 0x100_0000,
    initSize: 0x337_8000,
    initrdAddrMax: 0x7fff_ffff,
    commandLineSize: 2047,
    xloadflags: 0x7f,
    version: "6.1.0-test",
  });
  t.is(kernel!.facts.sizeBytes, 18_944);
  t.is(initrd!.facts.linux, null);
  t.is(initrd!.facts.sizeBytes, archive.length);
  t.regex(initrd!.facts.sha256, /^[0-9a-f]{64}$/);
});

test("a file that is a disk has whole sectors", (t) => {
  const kernel = bzImage();
  t.is(check({ kernel, disk: new Uint8Array(1024) })[1]!.facts.sizeBytes, 1024);
  refuses(t, "TV6114", "its 1000 bytes are no whole sectors", { kernel, disk: new Uint8Array(1000) });
});

test("UEFI firmware and its variables are a pair of 4 MiB, and the variables are a firmware volume", (t) => {
  const variables = (): Uint8Array => new Uint8Array(528 * 1024);
  const volume = variables();
  volume.set(Buffer.from("_FVH"), 40);
  const code = new Uint8Array(3568 * 1024);
  t.notThrows(() => check({ code, variables: volume }));
  refuses(t, "TV6118", "has 3653631 bytes, and UEFI firmware has 3653632", {
    code: code.subarray(1),
    variables: volume,
  });
  refuses(t, "TV6118", "a store of UEFI variables has 540672", { code, variables: volume.subarray(1) });
  refuses(t, "TV6118", "does not begin with a firmware volume", { code, variables: variables() });
});

test("firmware fills whole segments, no more than there is room for, and has code where it starts", (t) => {
  const firmware = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xea, -16, -15);
  for (const kib of [64, 128, 256]) t.notThrows(() => check({ firmware: firmware(kib * 1024) }), String(kib));
  refuses(t, "TV6118", "has 320 bytes", { firmware: firmware(320) });
  refuses(t, "TV6118", "at most 262144", { firmware: firmware(320 * 1024) });
  refuses(t, "TV6118", "no code in its last 16 bytes", { firmware: new Uint8Array(0x1_0000) });
});

test("setup sectors of 0 mean 4, as in the oldest kernels", (t) => {
  const [kernel] = check({ kernel: bzImage((view) => view.setUint8(0x1f1, 0)) });
  t.is(kernel!.facts.linux!.setupBytes, 2560);
});

test("a kernel may end within its last paragraph, and anything may follow it", (t) => {
  const whole = bzImage();
  t.notThrows(() => check({ kernel: whole.subarray(0, whole.length - 15) }));
  t.notThrows(() => check({ kernel: new Uint8Array([...whole, ...new Array<number>(3000).fill(1)]) }));
});

test("payloads are looked for beside the image first, then among those of the set-up", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-payloads-"));
  try {
    const search = { imageFolder: join(folder, "image"), cacheFolder: join(folder, "cache") };
    for (const path of Object.values(search)) mkdirSync(path);
    writeFileSync(join(search.cacheFolder, "vmlinuz"), bzImage());
    t.is(checkPayloads(manifestOf({}), search)[0]!.file, join(search.cacheFolder, "vmlinuz"));
    writeFileSync(join(search.imageFolder, "vmlinuz"), bzImage());
    t.is(checkPayloads(manifestOf({}), search)[0]!.file, join(search.imageFolder, "vmlinuz"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("initrds of every usual kind are taken", (t) => {
  const padded = Buffer.concat([archive, Buffer.alloc(100), gzipSync(archive)]);
  const zstd = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.alloc(10)]);
  for (const initrd of [archive, gzipSync(archive), padded, zstd]) {
    t.notThrows(() => check({ kernel: bzImage(), initrd }));
  }
});

test("a payload that is missing is refused", (t) => {
  refuses(t, "TV6101", '"vmlinuz" is missing', {});
});

test("a payload that is empty is refused", (t) => {
  refuses(t, "TV6102", '"vmlinuz" is empty', { kernel: new Uint8Array() });
  refuses(t, "TV6102", '"sub/initrd" is empty', { kernel: bzImage(), initrd: new Uint8Array() });
});

test("a truncated kernel is refused wherever it ends", (t) => {
  const whole = bzImage();
  for (const length of [whole.length - 16, whole.length - 5000, 2560, 0x264, 0x240]) {
    refuses(t, "TV6103", "is truncated", { kernel: whole.subarray(0, length) });
  }
});

test("what is no bzImage is refused, and named where it is known", (t) => {
  const named: readonly (readonly [string, Uint8Array])[] = [
    ["no Linux header", new Uint8Array(4096)],
    ["an ELF file", Buffer.concat([Buffer.from("\x7fELF"), Buffer.alloc(4096)])],
    ["perhaps an initrd", Buffer.concat([gzipSync(archive), Buffer.alloc(4096)])],
    ["perhaps an initrd", Buffer.concat([archive, Buffer.alloc(4096)])],
    ["a Debian package", Buffer.concat([Buffer.from("!<arch>\n"), Buffer.alloc(4096)])],
    ["without a Linux header", Buffer.concat([Buffer.from("MZ"), Buffer.alloc(4096)])],
    ["too short", Buffer.from("kernel")],
  ];
  for (const [words, kernel] of named) refuses(t, "TV6104", words, { kernel });
});

test("a header that contradicts itself is refused", (t) => {
  refuses(t, "TV6104", "contradicts itself", { kernel: bzImage((view) => view.setUint8(0x201, 0x10)) });
  refuses(t, "TV6104", "contradicts itself", {
    kernel: bzImage((view) => view.setUint32(0x24c, 16_384, true)),
  });
  const header = bzImage((view) => view.setUint32(0x1f4, 0, true)).subarray(0, 2560);
  refuses(t, "TV6104", "no kernel behind it", { kernel: header });
});

test("a kernel of an old protocol is refused", (t) => {
  refuses(t, "TV6105", "boot protocol 2.11", {
    kernel: bzImage((view) => view.setUint16(0x206, 0x020b, true)),
  });
  refuses(t, "TV6105", "zImage", { kernel: bzImage((view) => view.setUint8(0x211, 0)) });
});

test("what is no initrd is refused", (t) => {
  const kernel = bzImage();
  refuses(t, "TV6106", "no cpio archive", { kernel, initrd: Buffer.from("hello") });
  refuses(t, "TV6106", "no cpio archive", { kernel, initrd: gzipSync("hello") });
  refuses(t, "TV6106", "no gzip file", {
    kernel,
    initrd: Buffer.from([0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9]),
  });
  const damaged = Buffer.from(archive);
  damaged.write("zzz", 6 + 11 * 8);
  refuses(t, "TV6106", "damaged", { kernel, initrd: damaged });
});

test("a truncated initrd is refused wherever it ends", (t) => {
  const kernel = bzImage();
  const zipped = gzipSync(archive);
  for (const length of [zipped.length - 1, zipped.length - 8, 12]) {
    refuses(t, "TV6103", "is truncated", { kernel, initrd: zipped.subarray(0, length) });
  }
  for (const length of [120, 200]) {
    refuses(t, "TV6103", "is truncated", { kernel, initrd: archive.subarray(0, length) });
  }
  refuses(t, "TV6103", "is truncated", { kernel, initrd: gzipSync(archive.subarray(0, 120)) });
});

test("a guest without room for its kernel and initrd is refused with the place of the guest", (t) => {
  // Preferred address plus init_size: 0x1000000 + 0x3378000 is a little below 68 MiB.
  refuses(t, "TV6107", "needs 68 MiB", { kernel: bzImage(), memory: mib(66) });
  t.notThrows(() => check({ kernel: bzImage(), memory: mib(68) }));
  refuses(t, "TV6107", "kernel and initrd", { kernel: bzImage(), initrd: wide(), memory: mib(68) });
  t.notThrows(() => check({ kernel: bzImage(), initrd: wide(), memory: mib(72) }));
  const error = t.throws(() => check({ kernel: bzImage(), memory: mib(66) }), { instanceOf: PayloadProblem });
  t.is(error.related.length, 1);
});

test("an initrd must lie below the address that its kernel names", (t) => {
  const low = bzImage((view) => view.setUint32(0x22c, 0x470_0000 - 1, true));
  refuses(t, "TV6107", "below 71 MiB", { kernel: low, initrd: wide(), memory: gib(1), commandLine: "" });
});

test("a kernel that cannot move is loaded at 1 MiB", (t) => {
  const fixed = bzImage((view) => {
    view.setUint8(0x234, 0);
    view.setUint32(0x260, 0x30_0000, true);
  });
  t.notThrows(() => check({ kernel: fixed, memory: mib(4) }));
  const larger = bzImage((view) => {
    view.setUint8(0x234, 0);
    view.setUint32(0x260, 0x30_0001, true);
  });
  refuses(t, "TV6107", "needs 5 MiB", { kernel: larger, memory: mib(4) });
});

test("a command line that the kernel would cut is refused", (t) => {
  refuses(t, "TV6108", "2048 characters", { kernel: bzImage(), commandLine: "x".repeat(2048) });
  t.notThrows(() => check({ kernel: bzImage(), commandLine: "x".repeat(2047) }));
});

/** An archive of 4 MiB. */
function wide(): Uint8Array {
  const data = Buffer.alloc(4 * 2 ** 20);
  return cpioArchive([{ kind: "file", path: "data", data, mode: 0o644 }]);
}
