import { createHash } from "node:crypto";
import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { preparePayloads } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, shell, type BuiltAppliance } from "./appliance.ts";

let appliance: BuiltAppliance;
let machine: Machine;

test.before(async () => {
  await preparePayloads();
  appliance = await buildAppliance("images/hello-linux.ts");
  machine = await bootAppliance(appliance);
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
});

/** The guest's time and the host's before and after the guest was asked, in seconds. */
async function compareClocks(): Promise<{ before: number; guest: number; after: number }> {
  const before = Date.now() / 1000;
  const guest = Number((await shell(machine, "date +%s")).trim());
  return { before, guest, after: Date.now() / 1000 };
}

test.serial("an unmodified Debian kernel reaches a shell", async (t) => {
  await machine.expect(/Linux version 6\.1\.[^\n]*debian/);
  await machine.expect(shellPrompt);
  t.pass();
});

test.serial("the guest's date is right to the second at boot", async (t) => {
  const { before, guest, after } = await compareClocks();
  t.true(guest >= Math.floor(before) - 1 && guest <= after + 1, `${guest} is not in ${before} to ${after}`);
});

test.serial("a typed command runs, and its output comes back", async (t) => {
  t.is(await shell(machine, "echo $((6*7))"), "42\n");
  t.is(await shell(machine, "tty"), "/dev/ttyS0\n");
});

test.serial("a pasted text of 4 KB arrives whole", async (t) => {
  const lines = Array.from({ length: 64 }, (_, i) => `${String(i).padStart(3, "0")} ${"x".repeat(59)}`);
  const text = `${lines.join("\n")}\n`;
  t.is(text.length, 4096);
  machine.send(`dmesg -n 1; stty -echo; echo rea''dy; cat >/tmp/pasted; stty echo; md5sum </tmp/pasted\n`);
  await machine.expect("ready");
  machine.send(`${text}\x04`);
  await machine.expect(createHash("md5").update(text).digest("hex"));
  await machine.expect(shellPrompt);
});

test.serial("the timer counts in /proc/interrupts", async (t) => {
  const count = async (): Promise<number> => {
    const text = await shell(machine, "cat /proc/interrupts");
    const timer = /^ *(?:LOC|0):\s+(\d+)/gm;
    return [...text.matchAll(timer)].reduce((sum, [, n]) => sum + Number(n), 0);
  };
  const first = await count();
  t.true(first > 0);
  await shell(machine, "sleep 1");
  t.true((await count()) > first);
});

test.serial("the kernel's log has no bug, warning, APIC error or unstable clock", async (t) => {
  const found = await shell(
    machine,
    "dmesg | grep -E 'BUG|WARNING|[Ff]irmware [Bb]ug|APIC error|[Uu]nstable|Call Trace'",
  );
  t.is(found, "");
});

test.serial("the date is still right after a minute", async (t) => {
  await shell(machine, "sleep 60");
  const { before, guest, after } = await compareClocks();
  t.true(guest >= Math.floor(before) - 1 && guest <= after + 1, `${guest} is not in ${before} to ${after}`);
});

test.serial("reboot boots the guest again, and the machine goes on", async (t) => {
  machine.send("reboot\n");
  await machine.expect(/Linux version 6\.1\./);
  await machine.expect(shellPrompt);
  t.is(await shell(machine, "echo again"), "again\n");
  t.false(machine.events.some(({ event }) => event === "RESET" || event === "SHUTDOWN"));
});

test.serial("poweroff ends the guest with a notice, and powers the machine off", async (t) => {
  machine.send("poweroff\n");
  await machine.expect(/^typevisor: .*linux.*\n/m);
  t.deepEqual(await machine.exit(), { status: 0, signal: undefined });
  t.deepEqual(machine.events.at(-1), { event: "SHUTDOWN", data: { guest: true, reason: "guest-shutdown" } });
});
