/**
 * Guests of our own that share three CPUs, can be saved, and stay stopped however they end: one whose processors keep
 * their registers, one that never leaves its CPU by itself, and one that fills its memory.
 */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, milliseconds, partition, payload } from "../../../dsl/image.ts";

const own = (name: "keeper" | "spinner" | "filler", act: string, vcpus: 1 | 2 | 4) =>
  guest({
    name,
    memory: mib(48),
    vcpus,
    kernel: linux({ kernel: payload("bare-guest.bzimage"), commandLine: act }),
    devices: [q35()],
    onReboot: "restart",
    onCrash: "stop",
    stopDeadline: milliseconds(500),
  });

export default image({
  name: "several-cpus",
  cpuCapacity: 3,
  guests: [own("keeper", "R", 4), own("spinner", "S", 1), own("filler", "F", 2)],
  saves: partition({ name: "saves" }),
});
