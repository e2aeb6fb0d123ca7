/** One guest: Debian's unmodified cloud kernel and a busybox initramfs, on a q35. */
import { q35 } from "../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../dsl/image.ts";

export default image({
  name: "hello-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
