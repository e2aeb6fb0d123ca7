/** As saved-linux, with everything that happens to the serial port and to the timers traced. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, partition, payload } from "../../../dsl/image.ts";

export default image({
  name: "saved-traced",
  trace: { devices: ["com1", "pit", "hpet"] },
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
