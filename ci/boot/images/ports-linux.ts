/** A Linux whose console is a virtio console, with an initramfs that holds Debian's modules for it. */
import { q35 } from "../../../devices/q35.ts";
import { virtioConsole } from "../../../devices/virtio.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "ports-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("ports-initramfs.gz"),
        commandLine: "console=ttyS0 console=hvc0",
      }),
      devices: [
        q35(),
        virtioConsole({
          ports: [
            { name: "terminal", to: "console" },
            { name: "diary", to: "log" },
          ],
        }),
      ],
      onPowerOff: "power-off-machine",
    }),
  ],
});
