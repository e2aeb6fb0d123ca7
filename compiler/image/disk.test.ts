import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { InputFailure } from "../failure.ts";
import { writeDiskImage } from "./disk.ts";

const mebibyte = 1 << 20;

function folderFor(t: { teardown(action: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-disk-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("an image holds the application and the payload files, byte for byte", async (t) => {
  const folder = folderFor(t);
  const out = join(folder, "hello.img");
  const efi = Buffer.from("MZ not really an application");
  const payload = Buffer.alloc(3 * mebibyte, "payload ");
  const written = await writeDiskImage({ efi, files: [{ path: "linux/a kernel.gz", source: payload }], out });
  const drive = `${out}@@${written.partitionOffsetBytes}`;
  t.deepEqual(execFileSync("mtype", ["-i", drive, "::/EFI/BOOT/BOOTX64.EFI"]), efi);
  t.deepEqual(
    execFileSync("mtype", ["-i", drive, "::/linux/a kernel.gz"], { maxBuffer: 8 * mebibyte }),
    payload,
  );
  t.deepEqual(readdirSync(folder), ["hello.img"]);
});

test("the partition table has one EFI system partition, in bounds, and no error that sfdisk finds", async (t) => {
  const out = join(folderFor(t), "hello.img");
  const written = await writeDiskImage({ efi: Buffer.from("MZ"), out });
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
  t.regex(execFileSync("sfdisk", ["--verify", out], { encoding: "utf8", env }), /No errors detected/);
  const table = JSON.parse(execFileSync("sfdisk", ["--json", out], { encoding: "utf8", env })) as {
    partitiontable: { label: string; partitions: { start: number; size: number; type: string }[] };
  };
  t.is(table.partitiontable.label, "gpt");
  t.is(table.partitiontable.partitions.length, 1);
  const [partition] = table.partitiontable.partitions;
  t.is(partition.type, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
  t.is(partition.start * 512, written.partitionOffsetBytes);
  t.is(partition.size * 512, written.partitionSizeBytes);
  t.is(readFileSync(out).length, written.sizeBytes);
});

test("the file system is FAT32 by its number of clusters, which is what firmware goes by", async (t) => {
  const out = join(folderFor(t), "hello.img");
  const { partitionOffsetBytes } = await writeDiskImage({ efi: Buffer.from("MZ"), out });
  const boot = readFileSync(out).subarray(partitionOffsetBytes);
  const reserved = boot.readUInt16LE(14);
  const tables = boot[16] * boot.readUInt32LE(36);
  const clusters = Math.floor((boot.readUInt32LE(32) - reserved - tables) / boot[13]);
  t.true(clusters >= 65_525, `${clusters} clusters`);
  t.is(boot.readUInt32LE(28), partitionOffsetBytes / 512);
});

test("the same inputs give the same bytes, whatever the dates and names of the source files", async (t) => {
  const folder = folderFor(t);
  const images = ["one", "two"].map((name, index) => {
    const source = join(folder, `${name}.source`);
    writeFileSync(source, "payload");
    utimesSync(source, 1000 * index, 2000 * index);
    return { source, out: join(folder, `${name}.img`) };
  });
  for (const { source, out } of images) {
    await writeDiskImage({ efi: Buffer.from("MZ"), files: [{ path: "data.bin", source }], out });
  }
  const [first, second] = images.map(({ out }) => readFileSync(out));
  t.true(first.equals(second));
});

test("no date in the file system comes from the clock", async (t) => {
  const out = join(folderFor(t), "hello.img");
  await writeDiskImage({ efi: Buffer.from("MZ"), out });
  const image = readFileSync(out);
  const date2024January1 = (44 << 9) | (1 << 5) | 1;
  for (const name of ["BOOTX64 EFI", "BOOT       ", "EFI        "]) {
    const entry = image.indexOf(name, 0, "latin1");
    t.true(entry > 0, name);
    const dates = [16, 18, 24].map((offset) => image.readUInt16LE(entry + offset));
    t.deepEqual(dates, [date2024January1, date2024January1, date2024January1], name);
  }
});

test("other contents give other identifiers", async (t) => {
  const folder = folderFor(t);
  const serials: number[] = [];
  for (const content of ["MZ one", "MZ two"]) {
    const out = join(folder, "hello.img");
    const { partitionOffsetBytes } = await writeDiskImage({ efi: Buffer.from(content), out });
    serials.push(readFileSync(out).readUInt32LE(partitionOffsetBytes + 67));
  }
  t.not(serials[0], serials[1]);
});

test("a payload larger than the smallest partition makes the partition grow", async (t) => {
  const out = join(folderFor(t), "large.img");
  const payload = Buffer.alloc(64 * mebibyte, 1);
  const written = await writeDiskImage({
    efi: Buffer.from("MZ"),
    files: [{ path: "big", source: payload }],
    out,
  });
  t.true(written.partitionSizeBytes > payload.length);
});

for (const [why, files, message] of [
  ["a source that is missing", [{ path: "a", source: "/no/such/file" }], /there is no file \/no\/such\/file/],
  ["a path twice but for case", [{ path: "efi/boot/bootx64.efi", source: Buffer.of(1) }], /cannot both be/],
  ["a file where a folder is", [{ path: "EFI", source: Buffer.of(1) }], /cannot both be/],
  ["a name that FAT cannot hold", [{ path: "a:b", source: Buffer.of(1) }], /"a:b" cannot be the path/],
  ["a path that climbs out", [{ path: "../a", source: Buffer.of(1) }], /"\.\.\/a" cannot be the path/],
] as const) {
  test(`${why} is the user's error, and leaves no file`, async (t) => {
    const folder = folderFor(t);
    const made = writeDiskImage({ efi: Buffer.from("MZ"), files, out: join(folder, "bad.img") });
    await t.throwsAsync(made, { instanceOf: InputFailure, message });
    t.deepEqual(readdirSync(folder), []);
  });
}
