/** A guest whose first virtual CPU sends interrupts to its second; each has a CPU of its own. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "measure-ipi",
  guests: [
    guest({
      name: "pair",
      memory: mib(32),
      vcpus: 2,
      kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "I" }),
      devices: [q35()],
      schedule: { pin: [0, 1] },
      onCrash: "stop",
    }),
  ],
});
