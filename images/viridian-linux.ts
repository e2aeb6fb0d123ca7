/** Debian's unmodified cloud kernel on Viridian's interface, and with Typevisor's own hypercalls beside it. */
import { hypercalls } from "../devices/hypercalls.ts";
import { q35 } from "../devices/q35.ts";
import { viridian } from "../devices/viridian.ts";
import { guest, image, linux, mib, payload } from "../dsl/image.ts";

export default image({
  name: "viridian-linux",
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
      devices: [q35(), viridian(), hypercalls()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
