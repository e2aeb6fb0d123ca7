/** Four Linux guests that restart themselves at random, on one CPU, with pages of the hypervisor's in their memory. */
import { q35 } from "../../../devices/q35.ts";
import { viridian } from "../../../devices/viridian.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

const restarting = (name: "alpha" | "beta" | "gamma" | "delta") =>
  guest({
    name,
    memory: mib(128),
    vcpus: 1,
    kernel: linux({
      kernel: payload("vmlinuz-cloud"),
      initrd: payload("soak-initramfs.gz"),
      commandLine: "console=ttyS0 quiet",
    }),
    devices: [q35(), viridian()],
    onReboot: "restart",
    onCrash: "stop",
  });

export default image({
  name: "soak",
  cpuCapacity: 1,
  guests: [restarting("alpha"), restarting("beta"), restarting("gamma"), restarting("delta")],
  operator: {},
});
