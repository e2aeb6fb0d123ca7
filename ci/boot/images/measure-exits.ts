/** A guest of our own that measures exits as soon as it runs. */
import { hypercalls } from "../../../devices/hypercalls.ts";
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "measure-exits",
  permitNoAcpi: true,
  guests: [
    guest({
      name: "measuring",
      memory: mib(64),
      vcpus: 1,
      kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "m" }),
      devices: [q35(), hypercalls()],
      onCrash: "stop",
    }),
  ],
});
