/** Two guests that compute on one CPU, of which the second is to get three times as much as the first. */
import { hypercalls } from "../../../devices/hypercalls.ts";
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

const own = (name: "quarter" | "rest", weight: number) =>
  guest({
    name,
    memory: mib(32),
    vcpus: 1,
    kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "K" }),
    devices: [q35(), hypercalls()],
    schedule: { weight },
  });

export default image({
  name: "measure-shares",
  cpuCapacity: 1,
  guests: [own("quarter", 256), own("rest", 768)],
});
