/** Two guests on the host's first CPU; the first has the console, the second is heard by nobody. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

const kernel = linux({
  kernel: payload("vmlinuz-cloud"),
  initrd: payload("initramfs.gz"),
  commandLine: "console=ttyS0 panic=1",
});

export default image({
  name: "two-guests",
  guests: [
    guest({
      name: "first",
      memory: mib(256),
      vcpus: 1,
      kernel,
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
    guest({ name: "second", memory: mib(256), vcpus: 1, kernel, devices: [q35()] }),
  ],
});
