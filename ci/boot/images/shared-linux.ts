/** Two Linux guests with memory that they share; the second has no console, and does what its initramfs holds. */
import { ivshmem } from "../../../devices/ivshmem.ts";
import { q35 } from "../../../devices/q35.ts";
import { guest, image, kib, linux, mib, payload, sharedMemory } from "../../../dsl/image.ts";

const large = sharedMemory({ name: "large", size: mib(4) });
const small = sharedMemory({ name: "small", size: kib(64) });

const sharing = (name: "linux" | "peer", initrd: string) =>
  guest({
    name,
    memory: mib(256),
    vcpus: 1,
    kernel: linux({
      kernel: payload("vmlinuz-cloud"),
      initrd: payload(initrd),
      commandLine: name === "linux" ? "console=ttyS0" : "quiet",
    }),
    devices: [
      q35(),
      ivshmem({ name: "first", memory: large, vectors: 2 }),
      ivshmem({ name: "second", memory: small }),
    ],
    onPowerOff: name === "linux" ? "power-off-machine" : "stop",
  });

export default image({
  name: "shared-linux",
  guests: [sharing("linux", "shared-initramfs.gz"), sharing("peer", "peer-initramfs.gz")],
});
