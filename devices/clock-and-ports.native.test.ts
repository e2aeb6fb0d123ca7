import test from "ava";
import { makeTwin } from "../compiler/lang/testing/twin.ts";
import type { Device } from "../dsl/device/device.ts";
import { driveAtRandom } from "../dsl/testing/random-twin.ts";
import { debugcon } from "./debugcon.ts";
import { i8042 } from "./i8042.ts";
import { mc146818 } from "./mc146818.ts";
import { resetControl } from "./reset-control.ts";

const devices: readonly Device<never>[] = [debugcon, i8042, mc146818, resetControl] as never;

for (const device of devices) {
  test(`the ${device.name} does natively what it does in Node, access by access`, async (t) => {
    const seed = Number(process.env["TYPEVISOR_SEED"] ?? 1984);
    t.log(`seed ${seed}`);
    const twin = await makeTwin(`devices/testing/${device.name}.ts`);
    t.is(driveAtRandom(twin, device, { seed, steps: 2000 }), undefined);
  });
}
