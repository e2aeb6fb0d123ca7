/** A guest that the operator can save to the partition "saves" of an NVMe disk, and that goes on from there after a restart. */
import { q35 } from "../devices/q35.ts";
import { guest, image, linux, mib, partition, payload } from "../dsl/image.ts";

export default image({
  name: "saved-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(128),
      vcpus: 2,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
  saves: partition({ name: "saves" }),
});
