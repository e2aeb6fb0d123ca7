/** Two guests behind the operator's prompt: one that obeys its power button, and one that does not. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload, seconds } from "../../../dsl/image.ts";

const small = (initrd: "initramfs.gz") =>
  linux({
    kernel: payload("vmlinuz-cloud"),
    initrd: payload(initrd),
    commandLine: "console=ttyS0 quiet",
  });

export default image({
  name: "operated",
  guests: [
    guest({
      name: "alpha",
      memory: mib(128),
      vcpus: 1,
      kernel: small("initramfs.gz"),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
    guest({
      name: "beta",
      memory: mib(128),
      vcpus: 1,
      kernel: small("initramfs.gz"),
      devices: [q35()],
      onCrash: "stop",
      stopDeadline: seconds(3),
    }),
  ],
  operator: {},
});
