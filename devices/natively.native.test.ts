import test from "ava";
import { makeTwin } from "../compiler/lang/testing/twin.ts";
import type { Device } from "../dsl/device/device.ts";
import { driveAtRandom } from "../dsl/testing/random-twin.ts";
import { acpiPm } from "./acpi-pm.ts";
import { hpet } from "./hpet.ts";
import { i8254 } from "./i8254.ts";
import { i8259 } from "./i8259.ts";
import { ioapic } from "./ioapic.ts";
import { localApic } from "./local-apic.ts";

const devices: readonly Device<never>[] = [i8254, i8259, ioapic, localApic(0), acpiPm, hpet] as never;

for (const device of devices) {
  test(`the ${device.name} does natively what it does in Node, access by access`, async (t) => {
    const seed = Number(process.env["TYPEVISOR_SEED"] ?? 8254);
    t.log(`seed ${seed}`);
    const twin = await makeTwin(`devices/testing/${device.name}.ts`);
    t.is(driveAtRandom(twin, device, { seed, steps: 3000 }), undefined);
  });
}
