/** A guest with two cards on one network, with the initramfs of the benchmark that sends from one to the other. */
import { q35 } from "../../../devices/q35.ts";
import { virtioNet } from "../../../devices/virtio.ts";
import { guest, image, linux, mib, network, payload } from "../../../dsl/image.ts";

const lan = network({ name: "lan" });

export default image({
  name: "network-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 1,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("network-initramfs.gz"),
        commandLine: "console=ttyS0 nokaslr norandmaps",
      }),
      devices: [q35(), virtioNet({ network: lan }), virtioNet({ name: "other", network: lan })],
      onPowerOff: "power-off-machine",
    }),
  ],
});
