/** Guests of our own for as many CPUs; only the first has the console. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../../../dsl/image.ts";

const own = (name: string) =>
  guest({
    name,
    memory: mib(64),
    vcpus: 1,
    kernel: linux({ kernel: payload("bare-guest.bzimage") }),
    devices: [q35()],
    onPowerOff: "stop",
    onReboot: "restart",
    onCrash: "restart",
  });

export default image({
  name: "many-cpus",
  cpuCapacity: 4,
  guests: [own("first"), own("second"), own("third"), own("fourth")],
});
