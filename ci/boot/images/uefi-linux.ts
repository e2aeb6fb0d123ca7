/** Debian's OVMF boots Debian's signed shim from a disk, that GRUB, and that a Linux. */
import { q35 } from "../../../devices/q35.ts";
import { virtioBlk } from "../../../devices/virtio.ts";
import { espFile, guest, image, mib, payload, uefi } from "../../../dsl/image.ts";

export default image({
  name: "uefi-linux",
  guests: [
    guest({
      name: "linux",
      memory: mib(256),
      vcpus: 1,
      kernel: uefi({ code: payload("OVMF_CODE_4M.fd"), variables: payload("OVMF_VARS_4M.fd") }),
      devices: [q35(), virtioBlk({ disk: espFile("uefi-disk.img") })],
      onPowerOff: "power-off-machine",
    }),
  ],
});
