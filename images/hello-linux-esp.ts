/** As hello-linux, with the guest's kernel and initramfs as files on the EFI system partition. */
import { q35 } from "../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../dsl/image.ts";

export default image({
  name: "hello-linux-esp",
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
  payloads: "esp",
});
