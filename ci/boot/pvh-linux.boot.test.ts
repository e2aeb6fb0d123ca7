import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import type { Machine } from "../qemu.ts";
import { prepareVmlinux } from "../vmlinux.ts";
import { bootAppliance, buildAppliance, shell, type BuiltAppliance } from "./appliance.ts";

let appliance: BuiltAppliance;
let machine: Machine;

test.before(async () => {
  await prepareVmlinux();
  appliance = await buildAppliance("ci/boot/images/pvh-linux.ts");
  machine = await bootAppliance(appliance);
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
});

test.serial(
  "Debian's vmlinux, started by PVH, reaches a shell in the initramfs that is its module",
  async (t) => {
    await machine.expect(/Linux version 6\.1\.[^\n]*debian/);
    await machine.expect(shellPrompt);
    t.is(await shell(machine, "cat /proc/cmdline"), "console=ttyS0\n");
  },
);

test.serial(
  "the kernel knows that PVH has started it, and finds the ACPI tables that it was told of",
  async (t) => {
    // Linux arch/x86/platform/pvh/enlighten.c: boot loader type 0xb, of no version, where it is not Xen.
    t.is(await shell(machine, "cat /proc/sys/kernel/bootloader_type"), `${0xb0}\n`);
    t.regex(await shell(machine, "dmesg | grep 'ACPI: RSDP'"), /0x00000000000F0000/);
    const found = "BUG|WARNING|[Ff]irmware [Bb]ug|APIC error|[Uu]nstable|Call Trace";
    t.is(await shell(machine, `dmesg | grep -E '${found}'`), "");
  },
);

test.serial("a kernel that reboots is loaded anew", async (t) => {
  machine.send("reboot\n");
  await machine.expect(/Linux version 6\.1\./);
  await machine.expect(shellPrompt);
  t.pass();
});
