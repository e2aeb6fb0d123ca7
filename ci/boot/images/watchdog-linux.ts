/** Debian's general kernel with a watchdog that it drives with its own module. */
import { watchdog } from "../../../devices/i6300esb.ts";
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "watchdog-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-amd64"),
        initrd: payload("watchdog-initramfs.gz"),
        commandLine: "console=ttyS0",
      }),
      devices: [q35(), watchdog()],
      onReboot: "restart",
      onPowerOff: "power-off-machine",
    }),
  ],
});
