/** A system that was installed for UEFI, such as Debian, on the machine's partition `system`, which is the guest's whole disk. */
import { q35 } from "../devices/q35.ts";
import { virtioBlk } from "../devices/virtio.ts";
import { guest, image, mib, partition, payload, uefi } from "../dsl/image.ts";

export default image({
  name: "uefi-linux",
  guests: [
    guest({
      name: "system",
      memory: mib(512),
      vcpus: 1,
      kernel: uefi({ code: payload("OVMF_CODE_4M.fd"), variables: payload("OVMF_VARS_4M.fd") }),
      devices: [q35(), virtioBlk({ disk: partition({ name: "system" }) })],
      onPowerOff: "power-off-machine",
    }),
  ],
});
