import test from "ava";
import { bootAppliance, buildAppliance, shell } from "../ci/boot/appliance.ts";
import { shellPrompt } from "../ci/initramfs.ts";
import { preparePayloads } from "../ci/payloads.ts";
import type { Machine } from "../ci/qemu.ts";

const complaints =
  "dmesg | grep -E 'BUG|WARNING|[Ff]irmware [Bb]ug|APIC error|Call Trace|ACPI (BIOS )?(Error|Warning)|could not be reserved'";

/** Boots an image to the prompt of its guest's shell, and leaves nothing behind. */
async function booted(t: { teardown(fn: () => unknown): void }, image: string): Promise<Machine> {
  await preparePayloads();
  const appliance = await buildAppliance(image);
  t.teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance);
  t.teardown(() => machine.kill());
  await machine.expect(shellPrompt);
  return machine;
}

test.serial("a guest's kernel and initramfs may be files on the EFI system partition", async (t) => {
  const machine = await booted(t, "images/hello-linux-esp.ts");
  t.is(await shell(machine, "cat /proc/cmdline"), "console=ttyS0\n");
  t.is(await shell(machine, complaints), "");
  machine.send("poweroff\n");
  await machine.expect(/^typevisor: guest linux ended: /m);
  t.deepEqual(await machine.exit(), { status: 0, signal: undefined });
});

test.serial("Debian's general kernel runs like its cloud kernel", async (t) => {
  const machine = await booted(t, "images/hello-linux-amd64.ts");
  t.regex(await shell(machine, "uname -r"), /^6\.1\.\d+-\d+-amd64\n$/);
  t.is(await shell(machine, complaints), "");
  t.is(await shell(machine, "cat /sys/bus/pci/devices/0000:00:1f.0/device"), "0x2918\n");
  machine.send("reboot\n");
  await machine.expect(/Linux version 6\.1\./);
  await machine.expect(shellPrompt);
  machine.send("poweroff\n");
  t.deepEqual(await machine.exit(), { status: 0, signal: undefined });
});

test.serial(
  "a Linux runs on the 8259s, the 8254, a clock, a serial port and a keyboard controller alone",
  async (t) => {
    const machine = await booted(t, "images/minimal-linux.ts");
    const interrupts = await shell(machine, "cat /proc/interrupts");
    t.regex(interrupts, /^ +0: +[1-9]\d* +XT-PIC +timer$/m);
    t.regex(interrupts, /^ +4: +[1-9]\d* +XT-PIC +ttyS0$/m);
    t.notRegex(interrupts, /IO-APIC/);
    t.is(await shell(machine, "dmesg | grep -E 'BUG|WARNING|Call Trace'"), "");
    const before = Math.floor(Date.now() / 1000);
    const guest = Number((await shell(machine, "date +%s")).trim());
    t.true(Math.abs(guest - before) <= 5, `the guest's time is ${guest}, the host's was ${before}`);
    machine.send("reboot\n");
    await machine.expect("typevisor: guest linux restarts");
    await machine.expect(shellPrompt);
  },
);
