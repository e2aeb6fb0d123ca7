/** Two guests behind the operator's prompt: one that obeys its power button, and one that knows no button and crashes. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, milliseconds, payload, seconds } from "../../../dsl/image.ts";

export default image({
  name: "operated",
  guests: [
    guest({
      name: "alpha",
      memory: mib(128),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("button-initramfs.gz"),
        commandLine: "console=ttyS0 quiet",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
    guest({
      name: "beta",
      memory: mib(128),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        // It restarts by a triple fault, which is a crash.
        commandLine: "console=ttyS0 quiet reboot=t",
      }),
      devices: [q35()],
      onCrash: { restart: { backOff: milliseconds(200), most: 1 } },
      stopDeadline: seconds(2),
    }),
  ],
  operator: {},
});
