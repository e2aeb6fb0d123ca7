/** As hello-linux on the same machine, as software before ACPI and APICs used it: the 8259s and the 8254 alone. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "pic-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(256),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0 acpi=off nolapic",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
