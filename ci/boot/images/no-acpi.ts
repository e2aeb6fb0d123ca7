/** A Linux for a machine whose firmware has no ACPI tables: it runs on the machine's first CPU. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "no-acpi",
  permitNoAcpi: true,
  guests: [
    guest({
      name: "linux",
      memory: mib(256),
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
