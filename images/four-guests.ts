/**
 * Four guests of four kinds on four CPUs, with an operator: a Linux, a UEFI firmware with its shell, a small kernel that
 * multiboot starts, and one that crashes every few seconds and is started again. The two small ones are the bare guest of
 * this repository; a test builds it among the payloads.
 */
import { q35 } from "../devices/q35.ts";
import { guest, image, linux, mib, multiboot, payload, uefi } from "../dsl/image.ts";

const bare = payload("bare-guest.elf");

export default image({
  name: "four-guests",
  guests: [
    guest({
      name: "linux",
      memory: mib(256),
      vcpus: 2,
      kernel: linux({
        kernel: payload("vmlinuz-cloud"),
        initrd: payload("initramfs.gz"),
        commandLine: "console=ttyS0 quiet",
      }),
      devices: [q35()],
      schedule: { weight: 512 },
      onPowerOff: "stop",
    }),
    guest({
      name: "firmware",
      memory: mib(256),
      vcpus: 1,
      kernel: uefi({ code: payload("OVMF_CODE_4M.fd"), variables: payload("OVMF_VARS_4M.fd") }),
      devices: [q35()],
      schedule: { cap: 60 },
    }),
    guest({
      name: "ticker",
      memory: mib(64),
      vcpus: 1,
      kernel: multiboot({ kernel: bare, commandLine: "bare-guest k" }),
      devices: [q35()],
    }),
    guest({
      name: "crasher",
      memory: mib(64),
      vcpus: 1,
      kernel: multiboot({ kernel: bare, commandLine: "bare-guest et" }),
      devices: [q35()],
      schedule: { weight: 64 },
      onCrash: "restart",
    }),
  ],
  cpuCapacity: 4,
  operator: {},
});
