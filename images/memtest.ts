/** Debian's memtest86+ over the whole memory of a guest, reporting on the serial console. */
import { q35 } from "../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../dsl/image.ts";

export default image({
  name: "memtest",
  guests: [
    guest({
      name: "memtest",
      memory: mib(64),
      vcpus: 1,
      kernel: linux({
        kernel: payload("memtest86+x64.bin"),
        commandLine: "console=ttyS0,115200 nopause nobench nosm",
      }),
      devices: [q35()],
      onPowerOff: "power-off-machine",
    }),
  ],
});
