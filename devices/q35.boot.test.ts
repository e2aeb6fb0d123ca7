import test from "ava";
import { bootAppliance, buildAppliance, shell } from "../ci/boot/appliance.ts";
import { shellPrompt } from "../ci/initramfs.ts";
import { preparePayloads } from "../ci/payloads.ts";
import type { Machine } from "../ci/qemu.ts";

test.before(async () => {
  await preparePayloads();
});

/** Boots Linux on a q35 with one of the command lines of `ci/boot/images/`, to its shell. */
async function booted(
  image: string,
  teardown: (end: () => Promise<unknown> | void) => void,
): Promise<Machine> {
  const appliance = await buildAppliance(`ci/boot/images/${image}.ts`);
  teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance);
  teardown(() => machine.kill());
  await machine.expect(shellPrompt);
  return machine;
}

let shared: Promise<Machine> | undefined;
const ends: (() => Promise<unknown> | void)[] = [];
/** The machine that lives on its HPET. */
const onHpet = (): Promise<Machine> => (shared ??= booted("hpet-linux", (end) => void ends.push(end)));
test.after.always(async () => {
  for (const end of ends.reverse()) await end();
});

/** How often an interrupt has come, and what controls it. */
async function interrupt(machine: Machine, irq: number): Promise<{ count: number; rest: string }> {
  const line = await shell(machine, `grep '^ *${irq}:' /proc/interrupts`);
  const [, count = "", rest = ""] = /:\s+(\d+)\s+(.*)/.exec(line) ?? [];
  return { count: Number(count), rest };
}

const clocksource = "cat /sys/devices/system/clocksource/clocksource0/current_clocksource";
const complaints = "dmesg | grep -E 'BUG|WARNING|[Ff]irmware [Bb]ug|APIC error|spurious|Call Trace'";
const functions =
  "cd /sys/bus/pci/devices; for f in *; do echo $f `cat $f/vendor $f/device $f/class`; done; cd /";

test.serial(
  "Linux lives on the HPET: its counter, its ticks, and the alarm that a comparator stands in for",
  async (t) => {
    const machine = await onHpet();
    t.is(await shell(machine, clocksource), "hpet\n");
    const before = await interrupt(machine, 0);
    t.regex(before.rest, /IO-APIC +2-edge +timer/);
    await shell(machine, "sleep 1");
    t.true((await interrupt(machine, 0)).count > before.count);
    const alarms = await interrupt(machine, 8);
    await shell(machine, "echo +1 >/sys/class/rtc/rtc0/wakealarm; sleep 3");
    t.true((await interrupt(machine, 8)).count > alarms.count);
    t.is(await shell(machine, "cat /sys/class/rtc/rtc0/wakealarm"), "", "the alarm is over");
    t.is(await shell(machine, "grep -c HPET_emulated.*yes /proc/driver/rtc"), "1\n");
    t.is(await shell(machine, complaints), "");
  },
);

test.serial(
  "Linux finds the host bridge and the LPC bridge through ECAM, and claims what they have",
  async (t) => {
    const machine = await onHpet();
    t.is(
      await shell(machine, functions),
      "0000:00:00.0 0x8086 0x29c0 0x060000\n0000:00:1f.0 0x8086 0x2918 0x060100\n",
    );
    const ports = await shell(machine, "cat /proc/ioports");
    t.regex(ports, /0600-067f : 0000:00:1f\.0/);
    t.regex(ports, /0608-060b : ACPI PM_TMR/);
    t.regex(ports, /0cf8-0cff : PCI conf1/);
    t.regex(await shell(machine, "cat /proc/iomem"), /b0000000-bfffffff : PCI MMCONFIG 0000 \[bus 00-ff\]/);
    t.is(await shell(machine, "dmesg | grep -E 'disabling|could not be reserved|conflict|no space'"), "");
  },
);

test.serial(
  "Linux lives on the PM timer and the 8254, finds the bridges by mechanism 1, and powers off",
  async (t) => {
    const machine = await booted("pm-linux", (end) => t.teardown(end));
    t.is(await shell(machine, clocksource), "acpi_pm\n");
    const before = await interrupt(machine, 0);
    t.regex(before.rest, /IO-APIC +2-edge +timer/);
    await shell(machine, "sleep 1");
    t.true((await interrupt(machine, 0)).count > before.count);
    t.is(
      await shell(machine, functions),
      "0000:00:00.0 0x8086 0x29c0 0x060000\n0000:00:1f.0 0x8086 0x2918 0x060100\n",
    );
    t.is(await shell(machine, complaints), "");
    machine.send("poweroff -f\n");
    await machine.expect("guest linux ended: it powered itself off");
    t.pass();
  },
);

test.serial("Linux lives without ACPI and APICs, and restarts", async (t) => {
  const machine = await booted("pic-linux", (end) => t.teardown(end));
  const before = await interrupt(machine, 0);
  t.regex(before.rest, /XT-PIC +timer/);
  await shell(machine, "sleep 1");
  t.true((await interrupt(machine, 0)).count > before.count);
  t.is(await shell(machine, "dmesg | grep -E 'spurious|nobody cared|Call Trace'"), "");
  machine.send("reboot -f\n");
  await machine.expect("guest linux restarts: it asked for a restart");
  await machine.expect(shellPrompt);
  t.regex((await interrupt(machine, 0)).rest, /XT-PIC +timer/);
});
