import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { payloadFolder, preparePayloads, unpackModules, writeInitramfs } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, shell } from "./appliance.ts";

/** Debian's modules, each behind those that it needs. */
const modules = [
  "virtio_ring",
  "virtio",
  "virtio_pci_legacy_dev",
  "virtio_pci_modern_dev",
  "virtio_pci",
  "virtio_blk",
];
const sector = 512;
const firstSector = 2048;
const mebibyte = 1 << 20;
const folder = mkdtempSync(join(tmpdir(), "typevisor-disks-"));
const [nvme, sata] = [join(folder, "nvme"), join(folder, "sata")];
const fileContent = Buffer.from(Array.from({ length: 2 * mebibyte }, (_, i) => (i * 7 + (i >> 9)) & 0xff));

/** A disk of 32 MiB with a partition of 16 MiB at its first MiB, and one of 1 MiB behind it, which holds a text. */
function makeDisk(file: string, names: readonly [string, string]): void {
  const disk = Buffer.alloc(32 * mebibyte);
  disk.write(`content of ${names[1]}`, 17 * mebibyte);
  writeFileSync(file, disk);
  truncateSync(file, disk.length);
  const script = [
    "label: gpt",
    "unit: sectors",
    `start=${firstSector}, size=32768, name="${names[0]}"`,
    `start=${firstSector + 32768}, size=2048, name="${names[1]}"`,
    "",
  ].join("\n");
  const args = ["--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", file];
  execFileSync("sfdisk", args, { input: script });
}
const md5 = (bytes: Buffer): string => createHash("md5").update(bytes).digest("hex");
const sum = (of: string): string => `${of} | md5sum | cut -d' ' -f1`;

let machine: Machine;
test.before(async () => {
  await preparePayloads();
  const unpacked = await unpackModules("linux-image-cloud-amd64", modules);
  writeInitramfs(join(payloadFolder, "disks-initramfs.gz"), {
    entries: modules.map((name) => ({ kind: "file", path: `modules/${name}.ko`, data: unpacked.get(name)! })),
    startCommands: modules.map((name) => `insmod /modules/${name}.ko`),
  });
  writeFileSync(join(payloadFolder, "disks-file.img"), fileContent);
  makeDisk(nvme, ["on-nvme", "fixed"]);
  makeDisk(sata, ["on-sata", "another"]);
  const appliance = await buildAppliance("ci/boot/images/disks-linux.ts");
  try {
    machine = await bootAppliance(appliance, {
      extra: [
        ...["-drive", `if=none,id=nvme0,format=raw,discard=unmap,file=${nvme}`],
        ...["-device", "nvme,drive=nvme0,serial=typevisor"],
        ...["-drive", `if=none,id=sata0,format=raw,discard=unmap,file=${sata}`],
        ...["-device", "ide-hd,drive=sata0,bus=ide.2"],
      ],
    });
    await machine.expect(/partition not-there is on no disk of this machine/);
    await machine.expect(shellPrompt);
  } finally {
    appliance.remove();
  }
});
test.after.always(() => {
  void machine.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** Bytes of a disk of the host, in sectors. */
const onHost = (file: string, first: number, count: number): Buffer =>
  readFileSync(file).subarray(first * sector, (first + count) * sector);

test.serial(
  "disks have the sizes of what they lie on, and one without a partition has no sectors",
  async (t) => {
    t.is(await shell(machine, "cat /sys/block/vd?/size"), "32768\n32768\n2048\n4096\n0\n");
    t.is(await shell(machine, "cat /sys/block/vd?/ro"), "0\n0\n1\n0\n0\n");
    t.is(await shell(machine, "cat /sys/block/vda/serial; echo"), "fast\n");
  },
);

for (const [disk, what] of [
  ["vda", "an NVMe disk"],
  ["vdb", "a SATA disk"],
] as const) {
  test.serial(
    `what a guest writes lies in its partition of ${what}, and comes back past the cache`,
    async (t) => {
      const host = disk === "vda" ? nvme : sata;
      const mount = `mount -t ext4 /dev/${disk} /mnt/${disk}`;
      await shell(machine, `mke2fs -F /dev/${disk} >/dev/null 2>&1; mkdir -p /mnt/${disk}; ${mount}`);
      await shell(machine, `dd if=/dev/urandom of=/mnt/${disk}/file bs=1k count=5000 2>/dev/null; sync`);
      const written = await shell(machine, sum(`cat /mnt/${disk}/file`));
      t.regex(written, /^[0-9a-f]{32}\n$/);
      await shell(machine, `umount /mnt/${disk}; echo 3 >/proc/sys/vm/drop_caches; ${mount}`);
      t.is(await shell(machine, sum(`cat /mnt/${disk}/file`)), written);
      await shell(machine, `umount /mnt/${disk}`);
      const whole = await shell(machine, sum(`dd if=/dev/${disk} bs=64k 2>/dev/null`));
      t.is(`${md5(onHost(host, firstSector, 32768))}\n`, whole, "the host's disk holds the same");
    },
  );

  test.serial(`a flush and a discard reach ${what}`, async (t) => {
    const host = disk === "vda" ? nvme : sata;
    const pattern = `yes typevisor | dd of=/dev/${disk} bs=4k count=256 iflag=fullblock conv=fsync 2>/dev/null`;
    await shell(machine, pattern);
    t.is(onHost(host, firstSector, 1).toString("latin1", 0, 9), "typevisor");
    await shell(machine, `blkdiscard -o 65536 -l 65536 /dev/${disk}`);
    t.true(onHost(host, firstSector + 128, 128).every((byte) => byte === 0));
    t.not(onHost(host, firstSector + 127, 1)[511], 0);
    t.not(onHost(host, firstSector + 256, 1)[0], 0);
  });
}

test.serial("a read-only disk is read and not written", async (t) => {
  t.is(await shell(machine, "dd if=/dev/vdc bs=16 count=1 2>/dev/null; echo"), "content of fixed\n");
  t.regex(await shell(machine, "dd if=/dev/zero of=/dev/vdc count=1 2>&1"), /not permitted/);
});

test.serial(
  "a file of the EFI system partition is a disk; what is written to it is there when the guest starts again",
  async (t) => {
    t.is(await shell(machine, sum("dd if=/dev/vdd bs=64k 2>/dev/null")), `${md5(fileContent)}\n`);
    await shell(machine, "echo kept | dd of=/dev/vdd bs=512 seek=100 conv=fsync 2>/dev/null");
    // Requests are under way when it starts again.
    machine.send("dd if=/dev/vda of=/dev/null bs=1M & dd if=/dev/vdb of=/dev/null bs=1M & reboot -f\n");
    await machine.expect(/guest linux restarts: it asked for a restart/);
    await machine.expect(shellPrompt);
    t.is(await shell(machine, "dd if=/dev/vdd bs=512 skip=100 count=1 2>/dev/null | head -n1"), "kept\n");
    t.is(await shell(machine, "dd if=/dev/vda bs=512 count=1 2>/dev/null | head -n1"), "typevisor\n");
    t.is(await shell(machine, "dmesg | grep -E 'I/O error|EXT4-fs error|virtio_blk.*(fail|error)'"), "");
  },
);
