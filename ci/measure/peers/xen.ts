/**
 * Xen: Debian's hypervisor with Debian's kernel as its control domain, whose initramfs holds Xen's own tools; they start
 * the guest by PVH with the machine's time-stamp counter. Xen runs without mitigations, as KVM does.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { CpioEntry } from "../../cpio.ts";
import { deterministicParameters } from "../../icount.ts";
import { payloadFile, unpackedPackage, unpackModules } from "../../payloads.ts";
import {
  busyboxEntries,
  loadModule,
  moduleEntries,
  scriptedInitramfs,
  weighedLine,
  type Peer,
  type PeerGuest,
} from "./peer.ts";
import { entry, userland } from "./userland.ts";

const hypervisorPackage = "xen-hypervisor-4.17-amd64";
const toolsPackage = "xen-utils-4.17";
/** What the tools need beside what this machine has anyway. */
const libraryPackages = [
  ...["libxenmisc4.17", "libxencall1", "libxendevicemodel1", "libxenevtchn1", "libxenforeignmemory1"],
  ...["libxengnttab1", "libxenhypfs1", "libxenstore4", "libxentoolcore1", "libxentoollog1", "libyajl2"],
];
const toolFolder = "usr/lib/xen-4.17/bin";
const tools = ["xl", "xenstored", "xenconsoled", "xen-init-dom0"];
/** Where the console daemon writes what the guest named "guest" says. */
const consoleFolder = "/var/log/xen/console";
const libraryFolder = "usr/lib/x86_64-linux-gnu";
/** The C library loads it by name when a thread ends. */
const threadLibrary = "lib/x86_64-linux-gnu/libgcc_s.so.1";
const modules = ["xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xenfs"];

const configuration = ({ initrd, commandLine, memoryMiB }: PeerGuest): string =>
  [
    'name = "guest"',
    'type = "pvh"',
    'kernel = "/guest/kernel"',
    ...(initrd === undefined ? [] : ['ramdisk = "/guest/initrd"']),
    `cmdline = "${commandLine}"`,
    `memory = ${memoryMiB}`,
    "vcpus = 1",
    'tsc_mode = "native"',
    'on_poweroff = "destroy"',
    'on_crash = "destroy"',
    "",
  ].join("\n");

const script = ({ speaks, weighed }: PeerGuest): string[] => [
  `export PATH=/bin:/${toolFolder}`,
  "mount -t devtmpfs devtmpfs /dev",
  "mount -t proc proc /proc",
  "mount -t sysfs sysfs /sys",
  "mount -t tmpfs tmpfs /tmp",
  "mount -t tmpfs tmpfs /run",
  "mkdir -p /dev/pts /run/xen /run/xenstored",
  "mount -t devpts devpts /dev/pts",
  ...modules.map(loadModule),
  "mount -t xenfs xenfs /proc/xen",
  "xenstored --pid-file /run/xenstored.pid",
  "xen-init-dom0",
  `xenconsoled --pid-file=/run/xenconsoled.pid --log=guest --log-dir=${consoleFolder}`,
  ...(speaks === true ? [`tail -F ${consoleFolder}/guest-guest.log 2>/dev/null &`] : []),
  ...(weighed === true ? weigh : run),
];

const run = [
  // In the foreground, so that the machine ends with the guest; silent, so that nothing gets between the guest's lines.
  "xl create -F /guest/configuration >/run/log 2>&1",
  "cat /run/log",
];

/**
 * Xen's console tells of free memory and of the domains' when it is asked by keys. The guest is paused, since Xen ends one
 * that halts for good.
 */
const weigh = [
  "xl create -p /guest/configuration >/run/log 2>&1",
  "cat /run/log",
  "xl debug-keys m",
  "xl debug-keys q",
  `echo "${weighedLine}"`,
];

export const xen: Peer = {
  column: "xen",
  what: "Xen 4.17 with a control domain",
  prepare: async (guest, folder) => {
    const boot = join(await unpackedPackage(hypervisorPackage), "boot");
    const toolRoot = await unpackedPackage(toolsPackage);
    const libraries: string[] = [];
    for (const name of libraryPackages) libraries.push(join(await unpackedPackage(name), libraryFolder));
    const hypervisor = join(folder, "xen");
    writeFileSync(hypervisor, gunzipSync(readFileSync(join(boot, only(boot, ".gz")))));
    const initrd = join(folder, "xen.cpio");
    const programs = tools.map((name) => ({
      file: join(toolRoot, toolFolder, name),
      path: `${toolFolder}/${name}`,
    }));
    writeFileSync(
      initrd,
      scriptedInitramfs(script(guest), [
        ...busyboxEntries(["sh", "cat", "tail", "mount", "mkdir", "insmod", "poweroff"]),
        ...userland(programs, libraries),
        ...moduleEntries(await unpackModules("linux-image-amd64", modules)),
        entry(threadLibrary, join("/", threadLibrary)),
        entry("guest/kernel", guest.kernel),
        ...(guest.initrd === undefined ? [] : [entry("guest/initrd", guest.initrd)]),
        { kind: "file", path: "guest/configuration", data: configuration(guest) },
        { kind: "file", path: "etc/xen/xl.conf", data: "" },
        ...["var/lib/xen", consoleFolder.slice(1)].map((path): CpioEntry => ({ kind: "folder", path })),
        ...["var/run", "var/lock"].map((path): CpioEntry => ({ kind: "link", path, target: "/run" })),
      ]),
    );
    const kernel = `${payloadFile("vmlinuz-amd64")} console=hvc0 quiet panic=-1 ${deterministicParameters}`;
    return {
      boot: {
        kernel: hypervisor,
        append: "console=com1 com1=115200,8n1 dom0_mem=512M spec-ctrl=no guest_loglvl=all",
        // With SMAP, the emulator's IRET faults in the control domain.
        cpu: "max,-smap",
        memoryMiB: 960 + guest.memoryMiB,
        deterministic: true,
        // A comma separates Multiboot modules.
        extra: ["-initrd", `${kernel},${initrd}`],
      },
      figures: [
        {
          name: "image.hypervisor.bytes.xen",
          value: statSync(join(boot, only(boot, ".efi"))).size,
          unit: "B",
          note: "the hypervisor as a UEFI application, without its control domain",
        },
      ],
    };
  },
};

function only(folder: string, ending: string): string {
  const names = readdirSync(folder).filter((name) => name.startsWith("xen") && name.endsWith(ending));
  if (names.length !== 1) throw new Error(`${hypervisorPackage} has ${names.length} files *${ending}`);
  return names[0];
}
