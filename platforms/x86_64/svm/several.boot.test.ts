import test, { type ExecutionContext } from "ava";
import { bootAppliance, buildAppliance, shell } from "../../../ci/boot/appliance.ts";
import { shellPrompt } from "../../../ci/initramfs.ts";
import type { Machine } from "../../../ci/qemu.ts";

/** Boots an image of `ci/boot/images` to the shell. */
async function bootToShell(t: ExecutionContext, name: string): Promise<Machine> {
  const appliance = await buildAppliance(`ci/boot/images/${name}.ts`);
  t.teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance);
  t.teardown(() => machine.kill());
  await machine.expect(shellPrompt);
  return machine;
}

test.serial("two virtual CPUs take turns on one CPU, and both get interrupts", async (t) => {
  const machine = await bootToShell(t, "two-vcpus");
  t.is((await shell(machine, "nproc")).trim(), "2");
  const ran = await shell(machine, "taskset 1 echo on-first; taskset 2 echo on-second");
  t.regex(ran, /on-first\n+on-second/);
  const interrupts = await shell(machine, "grep LOC /proc/interrupts");
  const counts = /LOC: +(\d+) +(\d+)/.exec(interrupts)?.slice(1).map(Number) ?? [];
  t.true(counts.length === 2 && counts.every((count) => count > 10), interrupts);
  t.is((await shell(machine, "dmesg | grep -cE 'BUG:|WARNING:|detected stall|lockup'")).trim(), "0");
  machine.send("poweroff\n");
  await machine.expect("guest linux ended: it powered itself off");
  t.is((await machine.exit()).status, 0);
});

test.serial("two guests share a CPU, and the console belongs to the first", async (t) => {
  const machine = await bootToShell(t, "two-guests");
  t.regex(machine.console, /guest first started, 256 MiB[^]*guest second started, 256 MiB/);
  t.is(machine.console.match(/BusyBox v/g)?.length, 1);
  t.regex(await shell(machine, "grep MemTotal /proc/meminfo"), /MemTotal: +2\d{5} kB/);
  machine.send("poweroff\n");
  await machine.expect("guest first ended: it powered itself off");
  t.is((await machine.exit()).status, 0);
});
