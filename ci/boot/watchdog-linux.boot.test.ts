import { join } from "node:path";
import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { payloadFolder, preparePayloads, unpackModules, writeInitramfs } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, shell } from "./appliance.ts";

/** Debian's modules: the driver behind what it needs. */
const modules = ["watchdog", "i6300esb"];

let machine: Machine;
test.before(async () => {
  await preparePayloads();
  const unpacked = await unpackModules("linux-image-amd64", modules);
  writeInitramfs(join(payloadFolder, "watchdog-initramfs.gz"), {
    entries: modules.map((name) => ({ kind: "file", path: `modules/${name}.ko`, data: unpacked.get(name)! })),
    startCommands: modules.map((name) => `insmod /modules/${name}.ko`),
  });
  const appliance = await buildAppliance("ci/boot/images/watchdog-linux.ts");
  try {
    machine = await bootAppliance(appliance);
    await machine.expect(shellPrompt);
  } finally {
    appliance.remove();
  }
});
test.after.always(() => machine.kill());

const told = (file: string): Promise<string> => shell(machine, `cat /sys/class/watchdog/watchdog0/${file}`);

test.serial("Linux's own driver finds the watchdog, and no reset by it", async (t) => {
  t.is(await told("identity"), "i6300ESB timer\n");
  t.is(await told("bootstatus"), "0\n");
  t.is(await told("state"), "inactive\n");
  t.regex(await shell(machine, "cat /proc/iomem"), /c0000000-c000000f : 0000:00:01\.0\n/);
});

test.serial("a watchdog that is told to stop stands", async (t) => {
  t.is(await shell(machine, "echo V > /dev/watchdog"), "");
  t.is(await told("state"), "inactive\n");
  t.is(await shell(machine, "dmesg | grep 'did not stop'"), "");
});

test.serial("a guest that no longer feeds it is reset, and its driver knows why", async (t) => {
  // One second until the reset, and a thousand until it would be fed.
  machine.send("watchdog -T 1 -t 1000 /dev/watchdog\n");
  await machine.expect("guest linux restarts: it asked for a restart");
  await machine.expect(shellPrompt);
  const cardReset = 0x20;
  t.is(await told("bootstatus"), `${cardReset}\n`);
  t.is(await told("state"), "inactive\n");
});
