/** As hello-linux, with the HPET for all its time: counter, ticks, and the alarm of the clock that its comparators replace. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "hpet-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(256),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0 clocksource=hpet nolapic_timer",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
