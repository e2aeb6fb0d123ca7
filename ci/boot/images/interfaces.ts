/**
 * A guest of our own on every interface that a guest can be given, with what it does to them traced; and one that rings
 * its doorbell when it asks for it.
 */
import { hypercalls } from "../../../devices/hypercalls.ts";
import { ivshmem } from "../../../devices/ivshmem.ts";
import { q35 } from "../../../devices/q35.ts";
import { viridian } from "../../../devices/viridian.ts";
import { guest, image, kib, linux, mib, payload, sharedMemory } from "../../../dsl/image.ts";

const shared = sharedMemory({ name: "shared", size: kib(64) });

export default image({
  name: "interfaces",
  trace: { devices: ["hypercalls", "viridian", "vcrash", "vindex0", "lapic0"], recordsPerCpu: 64 },
  guests: [
    guest({
      name: "asking",
      memory: mib(64),
      vcpus: 1,
      kernel: linux({ kernel: payload("bare-guest.bzimage") }),
      devices: [q35(), viridian(), hypercalls(), ivshmem({ memory: shared, vectors: 2 })],
      onPowerOff: "stop",
      onReboot: "restart",
      onCrash: "restart",
    }),
    guest({
      name: "ringing",
      memory: mib(64),
      vcpus: 1,
      kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: "J" }),
      devices: [q35(), ivshmem({ memory: shared, vectors: 2 })],
      onCrash: "stop",
    }),
  ],
});
