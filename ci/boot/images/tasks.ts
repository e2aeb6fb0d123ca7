/** The kernel of a test that switches tasks by hardware, on any machine. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, mib, payload, pvh } from "../../../dsl/image.ts";

export default image({
  name: "tasks",
  permitNoAcpi: true,
  guests: [
    guest({
      name: "tasks",
      memory: mib(64),
      vcpus: 1,
      kernel: pvh({ kernel: payload("tasks.elf") }),
      devices: [q35()],
    }),
  ],
});
