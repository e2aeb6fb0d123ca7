import test from "ava";
import { makeTwin } from "../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../dsl/testing/random-twin.ts";
import { uart16550 } from "./uart16550.ts";

test("the 16550 does natively what it does in Node, access by access", async (t) => {
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 16550);
  t.log(`seed ${seed}`);
  const twin = await makeTwin("devices/testing/uart16550.ts");
  t.is(driveAtRandom(twin, uart16550 as never, { seed, steps: 4000 }), undefined);
});
