/** A guest that is whatever lies on the EFI system partition, and stays stopped however it ends: for payloads of tests. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "bare-payload",
  payloads: "esp",
  guests: [
    guest({
      name: "payload",
      memory: mib(96),
      vcpus: 1,
      kernel: linux({ kernel: payload("vmlinuz-cloud") }),
      devices: [q35()],
      onPowerOff: "stop",
      onReboot: "stop",
      onCrash: "stop",
    }),
  ],
});
