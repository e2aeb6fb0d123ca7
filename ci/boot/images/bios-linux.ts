/** Debian's SeaBIOS boots GRUB from a disk, and that a Linux. */
import { q35 } from "../../../devices/q35.ts";
import { virtioBlk } from "../../../devices/virtio.ts";
import { bios, espFile, guest, image, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "bios-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(512),
      vcpus: 2,
      kernel: bios({ firmware: payload("bios-256k.bin") }),
      devices: [q35(), virtioBlk({ disk: espFile("grub-disk.img") })],
      onPowerOff: "power-off-machine",
    }),
  ],
});
