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
  "virtio_console",
];

/** What udev does: the ports by their names. */
const namedPorts = [
  "mkdir -p /dev/virtio-ports",
  "for p in /sys/class/virtio-ports/*; do ln -s /dev/${p##*/} /dev/virtio-ports/$(cat $p/name); done",
];

let machine: Machine;
test.before(async () => {
  await preparePayloads();
  const unpacked = await unpackModules("linux-image-cloud-amd64", modules);
  writeInitramfs(join(payloadFolder, "ports-initramfs.gz"), {
    entries: modules.map((name) => ({ kind: "file", path: `modules/${name}.ko`, data: unpacked.get(name)! })),
    startCommands: [...modules.map((name) => `insmod /modules/${name}.ko`), ...namedPorts],
  });
  const appliance = await buildAppliance("ci/boot/images/ports-linux.ts");
  try {
    machine = await bootAppliance(appliance);
    await machine.expect(shellPrompt);
  } finally {
    appliance.remove();
  }
});
test.after.always(() => machine.kill());

test.serial("the shell runs on hvc0, and what is typed reaches it", async (t) => {
  t.is(await shell(machine, "tty"), "/dev/hvc0\n");
  t.is(await shell(machine, "cat /sys/class/virtio-ports/*/name"), "terminal\ndiary\n");
  const lines = Array.from({ length: 40 }, (_, i) => `line ${i} of a text that is pasted in one piece`);
  await shell(machine, `cat >/tmp/pasted <<end\n${lines.join("\n")}\nend\n:`);
  t.is(await shell(machine, "wc -l </tmp/pasted; tail -n 1 /tmp/pasted"), `40\n${lines.at(-1)}\n`);
});

test.serial("a long output comes whole", async (t) => {
  const numbers = Array.from({ length: 3000 }, (_, i) => `${i + 1}\n`).join("");
  t.is(await shell(machine, "seq 1 3000"), numbers);
});

test.serial("a port that is a log writes to the console", async (t) => {
  t.is(await shell(machine, "echo Dear diary. >/dev/virtio-ports/diary"), "Dear diary.\n");
  t.is(await shell(machine, "dmesg | grep -E 'BUG|WARNING|Call Trace|virtio.*(fail|error)'"), "");
});
