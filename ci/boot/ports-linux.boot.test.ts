import { join } from "node:path";
import test from "ava";
import type { CpioEntry } from "../cpio.ts";
import { shellPrompt } from "../initramfs.ts";
import { payloadFolder, preparePayloads, unpackModules, writeInitramfs } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { vsockConnect, vsockEcho } from "../vsock-programs.ts";
import { bootAppliance, buildAppliance, shell } from "./appliance.ts";

/** Debian's modules, each behind those that it needs. */
const modules = [
  "virtio_ring",
  "virtio",
  "virtio_pci_legacy_dev",
  "virtio_pci_modern_dev",
  "virtio_pci",
  "virtio_console",
  "vsock",
  "vmw_vsock_virtio_transport_common",
  "vmw_vsock_virtio_transport",
];
/** Programs for sockets between guests. */
const programs: readonly CpioEntry[] = [
  { kind: "file", path: "bin/vsock-echo", data: vsockEcho(1000), mode: 0o755 },
  { kind: "file", path: "bin/vsock-77", data: vsockConnect(77, 1000), mode: 0o755 },
  { kind: "file", path: "bin/vsock-78", data: vsockConnect(78, 1000), mode: 0o755 },
  { kind: "file", path: "bin/vsock-deaf", data: vsockConnect(77, 1001), mode: 0o755 },
];

/** What udev does: the ports by their names. */
const namedPorts = [
  "mkdir -p /dev/virtio-ports",
  "for p in /sys/class/virtio-ports/*; do ln -s /dev/${p##*/} /dev/virtio-ports/$(cat $p/name); done",
];

/** What the other guest does: it gives every line of its port back, and what comes to a socket. */
const answers = [
  "grep -q answers /proc/cmdline && vsock-echo &",
  "grep -q answers /proc/cmdline && (exec 3<>/dev/virtio-ports/talk",
  "while :; do if read -r line <&3; then echo heard $line >&3; else sleep 1; fi; done) &",
];

let machine: Machine;
test.before(async () => {
  await preparePayloads();
  const unpacked = await unpackModules("linux-image-cloud-amd64", modules);
  writeInitramfs(join(payloadFolder, "ports-initramfs.gz"), {
    entries: [
      ...programs,
      ...modules.map((name): CpioEntry => ({
        kind: "file",
        path: `modules/${name}.ko`,
        data: unpacked.get(name)!,
      })),
    ],
    startCommands: [...modules.map((name) => `insmod /modules/${name}.ko`), ...namedPorts, ...answers],
  });
  const appliance = await buildAppliance("ci/boot/images/ports-linux.ts");
  try {
    machine = await bootAppliance(appliance);
    await machine.expect(shellPrompt);
  } finally {
    appliance.remove();
  }
});
test.after.always(() => machine.kill());

test.serial("the shell runs on hvc0, and what is typed reaches it", async (t) => {
  t.is(await shell(machine, "tty"), "/dev/hvc0\n");
  t.is(await shell(machine, "cat /sys/class/virtio-ports/*/name"), "terminal\ndiary\ntalk\nwatch\nadmin\n");
  const lines = Array.from({ length: 40 }, (_, i) => `line ${i} of a text that is pasted in one piece`);
  await shell(machine, `cat >/tmp/pasted <<end\n${lines.join("\n")}\nend\n:`);
  t.is(await shell(machine, "wc -l </tmp/pasted; tail -n 1 /tmp/pasted"), `40\n${lines.at(-1)}\n`);
});

test.serial("a long output comes whole", async (t) => {
  const numbers = Array.from({ length: 3000 }, (_, i) => `${i + 1}\n`).join("");
  t.is(await shell(machine, "seq 1 3000"), numbers);
});

test.serial("a port that is a log writes to the console", async (t) => {
  t.is(await shell(machine, "echo Dear diary. >/dev/virtio-ports/diary"), "Dear diary.\n");
  t.is(await shell(machine, "dmesg | grep -E 'BUG|WARNING|Call Trace|virtio.*(fail|error)'"), "");
});

test.serial("a pipe leads to the other guest's port, whole, in order and both ways", async (t) => {
  const talk = "exec 3<>/dev/virtio-ports/talk; echo hello >&3; head -n 1 <&3";
  t.is(await shell(machine, talk), "heard hello\n");
  t.is(
    await shell(machine, "seq 1 1500 >&3 & head -n 1500 <&3 | md5sum"),
    await shell(machine, "seq 1 1500 | sed 's/^/heard /' | md5sum"),
  );
});

/** What an operator's port of the guest says to commands, up to the last's end. */
const ask = (port: string, ...commands: readonly string[]): string =>
  `exec 4<>/dev/virtio-ports/${port}; ${commands.map((c) => `echo '${c}' >&4`).join("; ")}; ` +
  `n=${commands.length}; while read -r l <&4; do echo "$l"; case $l in *'"ok":'*) n=$((n-1)); [ $n -gt 0 ] || break;; esac; done; exec 4>&-`;

test.serial(
  "a port that the manifest gives a prompt takes what it permits, in rows and in lines of JSON",
  async (t) => {
    const rows = await shell(
      machine,
      "exec 4<>/dev/virtio-ports/watch; echo list >&4; for i in 1 2 3; do read -r l <&4; echo $l; done; exec 4>&-",
    );
    t.regex(rows, /^typevisor> list\s+linux 384 MiB running [^]*other 256 MiB running/);
    const lines = (await shell(machine, ask("watch", "json on", "list", "pause other")))
      .trim()
      .split(/\r?\n/);
    t.is(lines.shift(), "typevisor> json on");
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    t.like(records[1], { guest: "linux", memoryMiB: 384, state: "running" });
    t.like(records[2], { guest: "other", state: "running" });
    t.is(records.length, 5);
    t.deepEqual(records[4], {
      ok: false,
      error: "the manifest does not permit this channel to control: pause",
    });
  },
);

test.serial(
  "a guest that may controls another from its port, and reads more than its driver has room for",
  async (t) => {
    const admin = await shell(
      machine,
      ask("admin", "json pause other", "json list", "json resume other", "json events 250"),
    );
    t.regex(admin, /"guest":"other","memoryMiB":256,"state":"paused"/);
    t.true((admin.match(/"atMs":/g) ?? []).length > 3);
    t.regex(admin, /"event":"guest-resumed","guest":"other"[^]*"ok":true/);
  },
);

test.serial(
  "sockets connect guests by their context identifiers, and a stream comes back whole",
  async (t) => {
    t.is(await shell(machine, "echo hello | vsock-77"), "hello\n");
    t.is(
      await shell(
        machine,
        "head -c 300000 /dev/urandom >/tmp/sent; vsock-77 </tmp/sent | cmp - /tmp/sent; echo $?",
      ),
      "0\n",
    );
    const many = "for i in 1 2 3 4; do (echo $i | vsock-77 >/tmp/got$i) & done; wait; cat /tmp/got?";
    t.is(await shell(machine, many), "1\n2\n3\n4\n");
  },
);

test.serial(
  "a connection to a port where nobody listens, or to a guest that is not there, is reset",
  async (t) => {
    t.is(await shell(machine, "vsock-deaf </dev/null; echo $?"), "104\n");
    t.is(await shell(machine, "vsock-78 </dev/null; echo $?"), "104\n");
  },
);
