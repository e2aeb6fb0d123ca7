import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { preparePayloads } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, shell, type BuiltAppliance } from "./appliance.ts";

let appliance: BuiltAppliance;
let machine: Machine;

test.before(async () => {
  await preparePayloads();
  appliance = await buildAppliance("images/viridian-linux.ts");
  machine = await bootAppliance(appliance);
  await machine.expect(shellPrompt);
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
});

test.serial(
  "an unmodified Debian kernel detects Microsoft Hyper-V, with the features of the profile",
  async (t) => {
    const log = await shell(machine, "dmesg");
    t.regex(log, /Hypervisor detected: Microsoft Hyper-V/);
    t.regex(log, /Hyper-V: privilege flags low 0xef2, high 0x0, hints 0x20, misc 0x520/);
  },
);

test.serial("it takes its frequencies from the registers and calibrates nothing", async (t) => {
  const log = await shell(machine, "dmesg");
  t.regex(log, /Hyper-V: LAPIC Timer Frequency: 0x3d0900/);
  t.regex(log, /tsc: Detected \d+\.\d+ MHz processor/);
  t.notRegex(log, /calibrat(?:ion|e against|ed)/i);
});

test.serial("it runs on the reference page's clock, which keeps pace with the battery's", async (t) => {
  const current = "cat /sys/devices/system/clocksource/clocksource0/current_clocksource";
  t.is((await shell(machine, current)).trim(), "hyperv_clocksource_tsc_page");
  const [clock, battery] = (await shell(machine, "date +%s; cat /sys/class/rtc/rtc0/since_epoch")).split(
    "\n",
  );
  t.true(Math.abs(Number(clock) - Number(battery)) <= 1, `${clock} against ${battery}`);
});

test.serial("it sleeps as long as it was told", async (t) => {
  const slept = await shell(
    machine,
    "a=$(cut -d. -f1 /proc/uptime); sleep 5; b=$(cut -d. -f1 /proc/uptime); echo $((b-a))",
  );
  t.true(Number(slept) >= 5 && Number(slept) <= 6, slept);
});

test.serial("a panic reaches the administrator with its registers", async (t) => {
  machine.send("echo c >/proc/sysrq-trigger\n");
  await machine.expect(/typevisor: guest linux reports 0x100: 0x[0-9a-f]+, 0x8100/);
  await machine.expect(/typevisor: guest linux reports 0x102: 0x[0-9a-f]+/);
  t.pass();
});
