/**
 * KVM: Debian's cloud kernel with kvm-amd on the emulated machine, and in its initramfs Debian's QEMU as a micro-VMM
 * that boots the guest by Multiboot or PVH. Only that inner QEMU uses KVM, on the SVM of the emulated CPU. Both kernels
 * and VMM are as favourable to KVM as they can be: no mitigations, everything that KVM can do by itself in the kernel.
 */
import { execFileSync } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deterministicParameters } from "../../icount.ts";
import { payloadFile, unpackModules } from "../../payloads.ts";
import { qemuProgram } from "../../qemu-arguments.ts";
import {
  busyboxEntries,
  greeting,
  loadModule,
  moduleEntries,
  scriptedInitramfs,
  weighedLine,
  type Peer,
  type PeerGuest,
} from "./peer.ts";
import { entry, userland } from "./userland.ts";

/** In the order in which they need each other. */
const modules = ["irqbypass", "kvm", "kvm-amd"];
/** What QEMU's microvm starts a kernel with. */
const firmware = ["bios-microvm.bin", "multiboot_dma.bin", "pvh.bin", "linuxboot_dma.bin", "kvmvapic.bin"];
const firmwareFolder = "/usr/share/qemu";

const microVmm = ({ initrd, commandLine, memoryMiB }: PeerGuest): string =>
  [
    ...["/bin/qemu", "-accel", "kvm", "-machine", "microvm,kernel-irqchip=on", "-cpu", "max"],
    ...["-m", String(memoryMiB), "-L", "/firmware", "-nodefaults", "-display", "none", "-no-reboot"],
    ...["-serial", "stdio", "-monitor", "none", "-kernel", "/guest/kernel", "-append", `"${commandLine}"`],
    ...(initrd === undefined ? [] : ["-initrd", "/guest/initrd"]),
  ].join(" ");

const script = (guest: PeerGuest): string[] => [
  "mount -t devtmpfs devtmpfs /dev",
  "mount -t proc proc /proc",
  "mount -t sysfs sysfs /sys",
  "mount -t tmpfs tmpfs /tmp",
  ...(guest.weighed === true ? weighed(guest) : run(guest)),
];

const run = (guest: PeerGuest): string[] => [
  ...modules.map(loadModule),
  microVmm(guest),
  'echo "the micro-VMM ended with status $?"',
];

const tellMemory = (when: string): string => `sed "s/^/${when} /" /proc/meminfo`;

/** The kernel's memory before it has anything of KVM, and while the guest is there. */
const weighed = (guest: PeerGuest): string[] => [
  "mkfifo /tmp/says",
  tellMemory("before"),
  ...modules.map(loadModule),
  `${microVmm(guest)} </dev/null >/tmp/says &`,
  "exec 3</tmp/says",
  `while read line <&3; do case "$line" in "${greeting}"*) break;; esac; done`,
  tellMemory("with"),
  `echo "${weighedLine}"`,
];

export const kvm: Peer = {
  column: "kvm",
  what: "KVM in Debian's cloud kernel",
  prepare: async (guest, folder) => {
    const drivers = await unpackModules("linux-image-cloud-amd64", modules);
    const initrd = join(folder, "kvm.cpio");
    writeFileSync(
      initrd,
      scriptedInitramfs(script(guest), [
        ...busyboxEntries(["sh", "mount", "mkfifo", "sed", "insmod", "poweroff"]),
        ...userland([{ file: programFile(qemuProgram), path: "bin/qemu" }]),
        ...firmware.map((name) => entry(`firmware/${name}`, join(firmwareFolder, name))),
        ...moduleEntries(drivers),
        entry("guest/kernel", guest.kernel),
        ...(guest.initrd === undefined ? [] : [entry("guest/initrd", guest.initrd)]),
      ]),
    );
    const kernel = payloadFile("vmlinuz-cloud");
    const bytes = [...drivers.values()].reduce((total, { length }) => total + length, statSync(kernel).size);
    return {
      boot: {
        kernel,
        initrd,
        append: `console=ttyS0 quiet panic=-1 mitigations=off ${deterministicParameters}`,
        memoryMiB: 1024 + guest.memoryMiB,
        deterministic: true,
      },
      figures: [
        {
          name: "image.hypervisor.bytes.kvm",
          value: bytes,
          unit: "B",
          note: "the kernel and its modules for KVM, without a VMM",
        },
      ],
    };
  },
};

function programFile(name: string): string {
  return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
}
