/** A guest of ours that attacks whatever it can reach, beside a Linux that computes checksums. */
import { hypercalls } from "../../../devices/hypercalls.ts";
import { watchdog } from "../../../devices/i6300esb.ts";
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "hostile-beside-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(128),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("checksums-initramfs.gz"),
        commandLine: "console=ttyS0 quiet nokaslr norandmaps",
      }),
      devices: [q35()],
    }),
    guest({
      name: "hostile",
      memory: mib(36),
      vcpus: 2,
      kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "H" }),
      devices: [q35(), hypercalls(), watchdog()],
      onPowerOff: "stop",
      onReboot: "restart",
      onCrash: "restart",
    }),
  ],
});
