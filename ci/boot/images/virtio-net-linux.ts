/**
 * Two Linux guests on one network. The first has the console; the second answers, sends at a limited rate, and has a
 * second card on the same network that nobody speaks to.
 */
import { q35 } from "../../../devices/q35.ts";
import { virtioNet } from "../../../devices/virtio.ts";
import { guest, image, kib, linux, mib, network, payload } from "../../../dsl/image.ts";

const lan = network({ name: "lan" });
const kernel = (guest: string) =>
  linux({
    kernel: payload("vmlinuz-cloud"),
    initrd: payload("virtio-net-initramfs.gz"),
    commandLine: `console=ttyS0 guest=${guest}`,
  });

export default image({
  name: "virtio-net-linux",
  guests: [
    guest({
      name: "first",
      memory: mib(256),
      vcpus: 1,
      kernel: kernel("first"),
      devices: [q35(), virtioNet({ network: lan, mac: "52:54:00:00:00:01" })],
      onPowerOff: "power-off-machine",
    }),
    guest({
      name: "second",
      memory: mib(256),
      vcpus: 1,
      kernel: kernel("second"),
      devices: [
        q35(),
        virtioNet({ network: lan, rate: mib(2), burst: kib(16) }),
        virtioNet({ name: "idle", network: lan }),
      ],
    }),
  ],
});
