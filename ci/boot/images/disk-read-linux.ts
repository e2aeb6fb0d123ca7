/** A guest with a disk of memory, with the initramfs of the benchmark that reads it. */
import { q35 } from "../../../devices/q35.ts";
import { virtioBlk } from "../../../devices/virtio.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "disk-read-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("disk-read-initramfs.gz"),
        commandLine: "console=ttyS0 nokaslr norandmaps",
      }),
      devices: [q35(), virtioBlk({ size: mib(4) })],
      onPowerOff: "power-off-machine",
    }),
  ],
});
