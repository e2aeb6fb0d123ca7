/** As hello-linux, with an initramfs that runs the workloads of the benchmark by itself. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "workload-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("workload-initramfs.gz"),
        commandLine: "console=ttyS0 nokaslr norandmaps",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
