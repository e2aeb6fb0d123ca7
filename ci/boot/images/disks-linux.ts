/** As virtio-linux, with disks on partitions of two disks of the machine, and on a file. */
import { q35 } from "../../../devices/q35.ts";
import { virtioBlk } from "../../../devices/virtio.ts";
import { espFile, guest, image, linux, mib, partition, payload } from "../../../dsl/image.ts";

export default image({
  name: "disks-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("disks-initramfs.gz"),
        commandLine: "console=ttyS0",
      }),
      devices: [
        q35(),
        virtioBlk({ name: "fast", disk: partition({ name: "on-nvme" }) }),
        virtioBlk({ name: "slow", disk: partition({ name: "on-sata" }) }),
        virtioBlk({ name: "fixed", disk: partition({ name: "fixed", readOnly: true }) }),
        virtioBlk({ name: "file", disk: espFile("disks-file.img") }),
        virtioBlk({ name: "lost", disk: partition({ name: "not-there" }) }),
      ],
      onReboot: "restart",
      onPowerOff: "power-off-machine",
    }),
  ],
});
