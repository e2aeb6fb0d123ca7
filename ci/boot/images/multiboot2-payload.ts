/** A guest that multiboot 2 starts, with two modules, from the EFI system partition: for kernels of tests. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, mib, multiboot2, payload } from "../../../dsl/image.ts";

const module = payload("start-module.txt");

export default image({
  name: "multiboot2-payload",
  payloads: "esp",
  guests: [
    guest({
      name: "payload",
      memory: mib(96),
      vcpus: 1,
      kernel: multiboot2({
        kernel: payload("start-state.elf"),
        commandLine: "console=ttyS0 quiet",
        modules: [{ payload: module, commandLine: "first module" }, { payload: module }],
      }),
      devices: [q35()],
      onPowerOff: "stop",
      onReboot: "restart",
      onCrash: "stop",
    }),
  ],
});
