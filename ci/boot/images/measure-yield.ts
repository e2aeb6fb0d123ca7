/** A guest that measures how long the CPU is away that it gives to the other one, which gives it back at once. */
import { hypercalls } from "../../../devices/hypercalls.ts";
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

const own = (name: "first" | "second", commandLine: string) =>
  guest({
    name,
    memory: mib(32),
    vcpus: 1,
    kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine }),
    devices: [q35(), hypercalls()],
  });

export default image({
  name: "measure-yield",
  cpuCapacity: 1,
  guests: [own("first", "q"), own("second", "u")],
});
