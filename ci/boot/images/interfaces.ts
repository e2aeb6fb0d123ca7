/** A guest of our own on every interface that a guest can be given, with what it does to them traced. */
import { hypercalls } from "../../../devices/hypercalls.ts";
import { q35 } from "../../../devices/q35.ts";
import { viridian } from "../../../devices/viridian.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "interfaces",
  trace: { devices: ["hypercalls", "viridian", "vcrash", "vindex0", "lapic0"], recordsPerCpu: 64 },
  guests: [
    guest({
      name: "asking",
      memory: mib(64),
      vcpus: 1,
      kernel: linux({ kernel: payload("bare-guest.bzimage") }),
      devices: [q35(), viridian(), hypercalls()],
      onPowerOff: "stop",
      onReboot: "restart",
      onCrash: "restart",
    }),
  ],
});
