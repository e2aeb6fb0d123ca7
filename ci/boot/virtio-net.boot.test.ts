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
  "failover",
  "net_failover",
  "virtio_net",
];
/** What the guest without a console does: it serves a file, takes one, and shows what came to its idle card. */
const serving = [
  "ip addr add 10.0.0.2/24 dev eth0",
  "ip link set eth1 arp off",
  "ip link set eth1 up",
  "mkdir /srv",
  "head -c 3000000 /dev/urandom >/srv/file",
  "md5sum </srv/file >/srv/sum",
  "ln -s /sys/class/net/eth1/statistics/rx_packets /srv/idle",
  "nc -l -p 9 -e /bin/take &",
  "httpd -h /srv",
];

let machine: Machine;
test.before(async () => {
  await preparePayloads();
  const unpacked = await unpackModules("linux-image-cloud-amd64", modules);
  writeInitramfs(join(payloadFolder, "virtio-net-initramfs.gz"), {
    entries: [
      { kind: "file", path: "bin/take", data: "#!/bin/sh\nmd5sum >/srv/taken\n", mode: 0o755 },
      ...modules.map(
        (name) => ({ kind: "file", path: `modules/${name}.ko`, data: unpacked.get(name)! }) as const,
      ),
    ],
    startCommands: [
      ...modules.map((name) => `insmod /modules/${name}.ko`),
      "ip link set eth0 up",
      `if grep -q guest=first /proc/cmdline; then ip addr add 10.0.0.1/24 dev eth0; else ${serving.join("\n")}\nfi`,
    ],
  });
  const appliance = await buildAppliance("ci/boot/images/virtio-net-linux.ts");
  try {
    machine = await bootAppliance(appliance);
    await machine.expect(shellPrompt);
  } finally {
    appliance.remove();
  }
  await shell(machine, `until ${get("sum")} | grep -q .; do sleep 1; done`);
});
test.after.always(() => machine.kill());

/** A command that prints one of the files that the other guest serves. */
const get = (file: string): string => `wget -q -O - http://10.0.0.2/${file} 2>/dev/null`;
/** Frames that have come to the card that nobody speaks to. */
const idleFrames = async (): Promise<number> => Number(await shell(machine, get("idle")));

test.serial("Linux has the card with its address, its link up, and mergeable buffers", async (t) => {
  const at = "/sys/class/net/eth0";
  t.is(await shell(machine, `cat ${at}/address ${at}/carrier ${at}/mtu`), "52:54:00:00:00:01\n1\n1500\n");
  t.is((await shell(machine, `cat ${at}/device/features`))[15], "1");
  t.regex(await shell(machine, "grep virtio /proc/interrupts"), /PCI-MSI.*virtio0-input\.0/);
});

test.serial("guests reach each other with packets of every size", async (t) => {
  for (const size of [0, 56, 1472, 4000])
    t.regex(
      await shell(machine, `ping -c 3 -s ${size} 10.0.0.2`),
      /\n3 packets transmitted, 3 packets received,/,
    );
  // Datagrams of UDP, and their answers.
  t.regex(await shell(machine, "traceroute -n 10.0.0.2"), /\n 1 +10\.0\.0\.2 +\d/);
});

test.serial(
  "a file comes whole from a guest that may not send as fast as it would, goes back whole, and nobody else hears of it",
  async (t) => {
    const before = await idleFrames();
    await shell(machine, "wget -q -O /tmp/file http://10.0.0.2/file");
    const sum = await shell(machine, "md5sum </tmp/file");
    t.regex(sum, /^[0-9a-f]{32} /);
    t.is(await shell(machine, get("sum")), sum);
    await shell(machine, "nc 10.0.0.2 9 </tmp/file");
    t.is(await shell(machine, get("taken")), sum);
    const packets = Number(await shell(machine, "cat /sys/class/net/eth0/statistics/tx_packets"));
    t.true(packets > 2000, `${packets} packets were sent`);
    // What goes to everybody, such as a question for an address, comes to the idle card too.
    const heard = (await idleFrames()) - before;
    t.true(heard < 20, `the idle card has heard ${heard} packets`);
  },
);

test.serial("neither guest nor hypervisor complains", async (t) => {
  const at = "/sys/class/net/eth0/statistics";
  t.is(await shell(machine, `cat ${at}/rx_errors ${at}/tx_errors ${at}/rx_frame_errors`), "0\n0\n0\n");
  t.is(
    await shell(machine, "dmesg | grep -E 'BUG|WARNING|Call Trace|virtio.*(fail|error)|NETDEV WATCHDOG'"),
    "",
  );
});
