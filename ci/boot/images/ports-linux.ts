/**
 * Two Linuxes that reach each other through a pipe between serial ports, and through sockets. The console of the first is a
 * virtio console, and two of its ports are operator's prompts.
 * The initramfs of both holds Debian's modules; what a guest runs, it takes from its command line.
 */
import { q35 } from "../../../devices/q35.ts";
import { virtioConsole, virtioVsock } from "../../../devices/virtio.ts";
import { guest, image, linux, mib, payload, pipe } from "../../../dsl/image.ts";

const kernel = payload("vmlinuz-cloud");
const initrd = payload("ports-initramfs.gz");
const talk = pipe({ name: "talk" });

export default image({
  name: "ports-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(384),
      vcpus: 1,
      kernel: linux({ kernel, initrd, commandLine: "console=ttyS0 console=hvc0" }),
      devices: [
        q35(),
        virtioConsole({
          ports: [
            { name: "terminal", to: "console" },
            { name: "diary", to: "log" },
            { name: "talk", to: talk },
            { name: "watch", to: { operator: ["observe"] } },
            { name: "admin", to: { operator: ["observe", "control"] } },
          ],
        }),
        virtioVsock(),
      ],
      onPowerOff: "power-off-machine",
    }),
    guest({
      name: "other",
      memory: mib(256),
      vcpus: 1,
      kernel: linux({ kernel, initrd, commandLine: "console=ttyS0 quiet answers" }),
      devices: [q35(), virtioConsole({ ports: [{ name: "talk", to: talk }] }), virtioVsock({ cid: 77 })],
    }),
  ],
});
