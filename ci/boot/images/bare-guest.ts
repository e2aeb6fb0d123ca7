/** A guest of our own, which misbehaves when it is asked to; whatever becomes of it, it is started again. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "bare-guest",
  guests: [
    guest({
      name: "hostile",
      memory: mib(64),
      vcpus: 1,
      kernel: linux({ kernel: payload("bare-guest.bzimage") }),
      devices: [q35()],
      onPowerOff: "stop",
      onReboot: "restart",
      onCrash: "restart",
    }),
  ],
});
