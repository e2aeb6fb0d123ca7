/**
 * The least that a Linux runs well on: the pair of 8259s, the interval timer, a clock, one serial port, and a keyboard
 * controller, which resets the machine. No ACPI, no APICs, no PCI. What the image does not list is not in it.
 */
import {
  interruptControllers,
  intervalTimer,
  keyboardController,
  realTimeClock,
  serialPort,
} from "../devices/pc.ts";
import { guest, image, linux, mib, payload } from "../dsl/image.ts";

export default image({
  name: "minimal-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0 acpi=off noapic nolapic",
      }),
      devices: [
        interruptControllers(),
        intervalTimer(),
        realTimeClock(),
        keyboardController(),
        serialPort("com1"),
      ],
    }),
  ],
});
