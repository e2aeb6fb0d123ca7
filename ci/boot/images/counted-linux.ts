/** As hello-linux, with an initramfs that tells the time-stamp counter and does timed things by itself. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "counted-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("counted-initramfs.gz"),
        commandLine: "console=ttyS0 nokaslr norandmaps",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
