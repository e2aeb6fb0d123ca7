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
  "virtio-rng",
  "virtio_blk",
];

let machine: Machine;
test.before(async () => {
  await preparePayloads();
  const unpacked = await unpackModules("linux-image-cloud-amd64", modules);
  writeInitramfs(join(payloadFolder, "virtio-initramfs.gz"), {
    entries: modules.map((name) => ({ kind: "file", path: `modules/${name}.ko`, data: unpacked.get(name)! })),
    startCommands: modules.map((name) => `insmod /modules/${name}.ko`),
  });
  const appliance = await buildAppliance("ci/boot/images/virtio-linux.ts");
  try {
    machine = await bootAppliance(appliance);
    await machine.expect(shellPrompt);
  } finally {
    appliance.remove();
  }
});
test.after.always(() => machine.kill());

test.serial("Linux finds the functions, and claims what lies behind their base addresses", async (t) => {
  const ids = "cd /sys/bus/pci/devices; for f in *; do echo $f `cat $f/vendor $f/device`; done; cd /";
  t.is(
    await shell(machine, ids),
    "0000:00:00.0 0x8086 0x29c0\n0000:00:01.0 0x1af4 0x1044\n0000:00:02.0 0x1af4 0x1042\n" +
      [3, 4, 5].map((slot) => `0000:00:0${slot}.0 0x1af4 0x1044\n`).join("") +
      "0000:00:1f.0 0x8086 0x2918\n",
  );
  t.regex(
    await shell(machine, "cat /proc/iomem"),
    /c0000000-c0003fff : 0000:00:01\.0\n +c0000000-c0003fff : virtio-pci-modern/,
  );
  t.is(
    await shell(
      machine,
      "dmesg | grep -E 'BUG|WARNING|Call Trace|can.t claim|no space|virtio.*(fail|error)'",
    ),
    "",
  );
});

test.serial("random numbers come through virtio-rng, with an interrupt for each message", async (t) => {
  t.is(await shell(machine, "cat /sys/class/misc/hw_random/rng_current"), "virtio_rng.0\n");
  const read = "dd if=/dev/hwrng bs=64 count=16 2>/dev/null | md5sum | cut -d' ' -f1";
  const [first, second] = [await shell(machine, read), await shell(machine, read)];
  t.regex(first, /^[0-9a-f]{32}\n$/);
  t.not(first, second);
  t.regex(await shell(machine, "grep virtio /proc/interrupts"), /PCI-MSI.*virtio0-input/);
});

test.serial(
  "a file system on the disk keeps what is written, and reads back the same past the cache",
  async (t) => {
    t.is(await shell(machine, "cat /sys/block/vda/size"), "8192\n");
    t.is(
      await shell(machine, "dd if=/dev/vda bs=64k 2>/dev/null | tr -d '\\000' | wc -c"),
      "0\n",
      "zero at first",
    );
    const sum = (of: string): string => `${of} | md5sum | cut -d' ' -f1`;
    await shell(
      machine,
      "mke2fs -F /dev/vda >/dev/null 2>&1; mkdir -p /mnt/disk; mount -t ext4 /dev/vda /mnt/disk",
    );
    await shell(machine, "dd if=/dev/urandom of=/mnt/disk/file bs=1k count=2500 2>/dev/null; sync");
    const before = await shell(machine, sum("cat /mnt/disk/file"));
    t.regex(before, /^[0-9a-f]{32}\n$/);
    await shell(
      machine,
      "umount /mnt/disk; echo 3 >/proc/sys/vm/drop_caches; mount -t ext4 /dev/vda /mnt/disk",
    );
    t.is(await shell(machine, sum("cat /mnt/disk/file")), before);
    t.is(
      await shell(
        machine,
        "umount /mnt/disk; dmesg | grep -E 'I/O error|EXT4-fs error|virtio_blk.*(fail|error)'",
      ),
      "",
    );
  },
);

test.serial(
  "without MSI-X devices work through the pins of their slots, which two of them share",
  async (t) => {
    const sum = "dd if=/dev/vda bs=64k 2>/dev/null | md5sum";
    const disk = await shell(machine, sum);
    for (const slot of [1, 2, 5]) {
      const name = `0000:00:0${slot}.0`;
      const driver = "/sys/bus/pci/drivers/virtio-pci";
      await shell(
        machine,
        `echo ${name} >${driver}/unbind; echo 0 >/sys/bus/pci/devices/${name}/msi_bus; echo ${name} >${driver}/bind`,
      );
    }
    const countAt = async (pin: number, users: string): Promise<number> => {
      const line = await shell(machine, `grep " ${pin}-fasteoi" /proc/interrupts`);
      const [, count] = new RegExp(`(\\d+) +IO-APIC +${pin}-fasteoi +${users}\n`).exec(line) ?? [];
      t.truthy(count, line);
      return Number(count);
    };
    t.is(await shell(machine, sum), disk);
    t.true((await countAt(18, "virtio1")) > 10);
    // Of the four sources of random numbers the first and the last.
    for (const [source, atPin] of [
      [0, true],
      [3, true],
      [1, false],
    ] as const) {
      await shell(machine, `echo virtio_rng.${source} >/sys/class/misc/hw_random/rng_current`);
      const before = await countAt(17, "virtio0, virtio4");
      await shell(machine, "dd if=/dev/hwrng of=/dev/null bs=64 count=16");
      t.is((await countAt(17, "virtio0, virtio4")) >= before + 15, atPin, `source ${source}`);
    }
    t.is(await shell(machine, "dmesg | grep -E 'nobody cared|I/O error|spurious'"), "");
  },
);
