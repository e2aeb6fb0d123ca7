/** As measure-exits, with everything that it does to devices traced. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

export default image({
  name: "measure-traced",
  trace: {},
  permitNoAcpi: true,
  guests: [
    guest({
      name: "measuring",
      memory: mib(64),
      vcpus: 1,
      kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "m" }),
      devices: [q35()],
      onCrash: "stop",
    }),
  ],
});
