/** As hello-linux, with Debian's general kernel, which has machine checks, EDAC and drivers for real machines. */
import { q35 } from "../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../dsl/image.ts";

export default image({
  name: "hello-linux-amd64",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-amd64"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
