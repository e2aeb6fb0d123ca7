/** Two guests of one payload from the EFI system partition, taking turns on a CPU; the first has the console. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

const common = {
  memory: mib(96),
  vcpus: 1,
  kernel: linux({ kernel: payload("vmlinuz-cloud") }),
  devices: [q35()],
  onCrash: "stop",
} as const;

export default image({
  name: "two-payloads",
  payloads: "esp",
  guests: [guest({ name: "first", ...common }), guest({ name: "second", ...common })],
});
