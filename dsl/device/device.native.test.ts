import test from "ava";
import { makeTwin } from "../../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../testing/random-twin.ts";
import { everything } from "./testing/everything.ts";

test("a device with one of everything does natively what it does in Node", async (t) => {
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 1234);
  t.log(`seed ${seed}`);
  const twin = await makeTwin("dsl/device/testing/everything.ts");
  t.is(driveAtRandom(twin, everything as never, { seed, steps: 6000 }), undefined);
});
