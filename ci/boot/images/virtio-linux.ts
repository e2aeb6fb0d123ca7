/** As hello-linux, with virtio devices, and an initramfs that holds Debian's modules for them. */
import { q35 } from "../../../devices/q35.ts";
import { virtioBlk, virtioRng } from "../../../devices/virtio.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

/** The last of them has the interrupt pin that the first function has. */
const sharing = ["rng3", "rng4", "rng5"].map((name) => virtioRng({ name }));

export default image({
  name: "virtio-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("virtio-initramfs.gz"),
        commandLine: "console=ttyS0",
      }),
      devices: [q35(), virtioRng(), virtioBlk({ size: mib(4) }), ...sharing],
      onPowerOff: "power-off-machine",
    }),
  ],
});
