/** The appliance `saved-traced` in a later edition, whose guest has other devices. */
import { watchdog } from "../../../devices/i6300esb.ts";
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, partition, payload } from "../../../dsl/image.ts";

export default image({
  name: "saved-otherwise",
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
      devices: [q35(), watchdog()],
      onPowerOff: "power-off-machine",
    }),
  ],
  saves: partition({ name: "saves" }),
});
