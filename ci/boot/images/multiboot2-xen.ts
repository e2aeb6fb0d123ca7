/** Debian's Xen, started by multiboot 2, with a module that it takes for the kernel of its control domain. */
import { q35 } from "../../../devices/q35.ts";
import { guest, image, mib, multiboot2, payload } from "../../../dsl/image.ts";

export default image({
  name: "multiboot2-xen",
  guests: [
    guest({
      name: "xen",
      memory: mib(768),
      vcpus: 1,
      kernel: multiboot2({
        kernel: payload("xen-multiboot"),
        // Xen leaves out its name, as GRUB passes it first. There is no BIOS for it to call.
        commandLine: "xen no-real-mode console=com1 com1=115200,8n1 loglvl=all",
        modules: [{ payload: payload("vmlinuz-cloud"), commandLine: "vmlinuz console=hvc0" }],
      }),
      devices: [q35()],
      onReboot: "stop",
    }),
  ],
});
