/**
 * The initramfs that guests run in: busybox with all its applets, a small `/init`, and a shell with job control on
 * whichever console the kernel was told to use. The same inputs give the same bytes.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { cpioArchive, type CpioEntry } from "./cpio.ts";

/** The prompt of the guest's shell. The kernel may have said something more behind it. */
export const shellPrompt = /guest:[^\n#]*# /;

/** What `/init` prints before the shell starts. */
export const greeting = "Welcome. This Linux runs unmodified.";

/** What an initramfs holds beside busybox. */
export interface InitramfsOptions {
  /** The static busybox of the guest. */
  readonly busybox: string;
  /** More entries, such as test programs. */
  readonly entries?: readonly CpioEntry[];
  /** Shell commands that run once, before the shell starts on the console. */
  readonly startCommands?: readonly string[];
  /** Shell commands that the shell on the console runs last before its first prompt. */
  readonly promptCommands?: readonly string[];
}

const initScript = `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
hostname guest
exec /sbin/init
`;

const startScript = `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
echo
echo "${greeting}"
`;

const lines = (commands: readonly string[] = []): string =>
  commands.map((command) => `${command}\n`).join("");

// busybox's init reaps every orphan, starts the shell again when it is left, and carries out poweroff and reboot.
const inittab = `::sysinit:/etc/start
::respawn:/bin/cttyhack /bin/sh -l
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/umount -a -r
`;

const profile = `export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=vt102
export PS1='guest:\\w# '
cd /root
`;

/** The bytes of an initramfs: a gzip-compressed cpio archive. */
export function buildInitramfs(options: InitramfsOptions): Buffer {
  const applets = execFileSync(options.busybox, ["--list-full"], { encoding: "utf8" }).trim().split("\n");
  const own: CpioEntry[] = [
    { kind: "file", path: "bin/busybox", data: readFileSync(options.busybox), mode: 0o755 },
    { kind: "file", path: "init", data: initScript, mode: 0o755 },
    { kind: "file", path: "etc/start", data: startScript + lines(options.startCommands), mode: 0o755 },
    { kind: "file", path: "etc/inittab", data: inittab },
    { kind: "file", path: "etc/profile", data: profile + lines(options.promptCommands) },
    { kind: "file", path: "etc/passwd", data: "root::0:0:root:/root:/bin/sh\n" },
    { kind: "file", path: "etc/group", data: "root:x:0:\n" },
    { kind: "device", path: "dev/console", major: 5, minor: 1 },
    { kind: "device", path: "dev/null", major: 1, minor: 3, mode: 0o666 },
    ...["proc", "sys", "mnt", "root", "run", "var"].map((path): CpioEntry => ({ kind: "folder", path })),
    { kind: "folder", path: "tmp", mode: 0o1777 },
  ];
  const taken = new Set([...own, ...(options.entries ?? [])].map((entry) => entry.path));
  const links = applets
    .filter((path) => !taken.has(path))
    .map((path): CpioEntry => ({ kind: "link", path, target: "/bin/busybox" }));
  return gzipSync(cpioArchive([...own, ...links, ...(options.entries ?? [])]), { level: 9 });
}
