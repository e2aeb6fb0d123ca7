import test from "ava";
import { makeTwin } from "../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../dsl/testing/random-twin.ts";
import { watchdogAtFirst } from "./testing/i6300esb.ts";

test("the i6300ESB watchdog does natively what it does in Node", async (t) => {
  const twin = await makeTwin("devices/testing/i6300esb.ts");
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 6300);
  t.log(`seed ${seed}`);
  t.is(driveAtRandom(twin, watchdogAtFirst as never, { seed, steps: 4000 }), undefined);
});
