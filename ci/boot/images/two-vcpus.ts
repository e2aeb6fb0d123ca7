/** As hello-linux, with two virtual CPUs that take turns on the host's first one. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "two-vcpus",
  guests: [
    guest({
      name: "linux",
      memory: mib(256),
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
});
