/** As hello-linux, but the kernel is the vmlinux itself, started by PVH, and its initramfs a module. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, mib, payload, pvh } from "../../../dsl/image.ts";

export default image({
  name: "pvh-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: pvh({
        kernel: payload("vmlinux-cloud"),
        commandLine: "console=ttyS0",
        modules: [{ payload: payload("initramfs.gz") }],
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
