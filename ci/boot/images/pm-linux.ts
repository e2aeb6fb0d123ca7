/** As hello-linux, with the PM timer as its clock, the 8254 for its ticks, and configuration mechanism 1. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "pm-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(256),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0 hpet=disable clocksource=acpi_pm nolapic_timer pci=nommconf",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
