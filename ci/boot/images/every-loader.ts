/** One program in three guests, each loaded another way; each does what its command line says, which is to fault. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, multiboot, payload, pvh } from "../../../dsl/image.ts";

const commandLine = "t";
const elf = payload("bare-guest.elf");
const rest = { memory: mib(64), vcpus: 1, devices: [q35()], onCrash: "stop" } as const;

export default image({
  name: "every-loader",
  guests: [
    guest({ name: "linux", kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine }), ...rest }),
    guest({ name: "pvh", kernel: pvh({ kernel: elf, commandLine }), ...rest }),
    guest({ name: "multiboot", kernel: multiboot({ kernel: elf, commandLine }), ...rest }),
  ],
});
