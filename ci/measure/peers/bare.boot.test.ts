/** The payload of the benchmark on the machine that costs least: by Multiboot and by PVH, with the same figures. */
import test from "ava";
import { prepareBareGuest } from "../../bare-guest/build.ts";
import { boot } from "../../qemu.ts";
import { measuredNames } from "../../../platforms/x86_64/bare-guest/measure.ts";
import { readConsole, type Readings } from "../readings.ts";
import { bare } from "./bare.ts";
import { measuringGuest } from "./peer.ts";

const payloads = prepareBareGuest();

async function measured(elf: string): Promise<Readings> {
  // It builds nothing, so it needs no folder.
  const { boot: options } = await bare.prepare(measuringGuest(elf), "");
  const machine = await boot(options);
  try {
    await machine.expect("measured\n");
    return readConsole(machine.console, measuredNames);
  } finally {
    await machine.kill();
  }
}

test.serial(
  "on the bare machine every operation costs a handful of instructions, each time the same",
  async (t) => {
    const { readings, absent } = await measured(payloads.elf);
    for (const { name, least, median } of readings) {
      t.true(least >= 3 && least < 40, `${name} costs ${least}`);
      t.is(median, least, name);
    }
    t.is(absent.get("exit.hypercall"), "there is no hypervisor");
    t.false(absent.has("exit.mmio.ioapic.read"));
  },
);

test.serial("started by PVH, the same payload measures the same", async (t) => {
  t.deepEqual(await measured(payloads.pvh), await measured(payloads.elf));
});
