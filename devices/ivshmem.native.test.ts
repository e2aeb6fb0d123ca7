import test from "ava";
import { makeTwin } from "../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../dsl/testing/random-twin.ts";
import { shared } from "./testing/ivshmem.ts";

test("shared memory with doorbells does natively what it does in Node", async (t) => {
  const twin = await makeTwin("devices/testing/ivshmem.ts");
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 1110);
  t.log(`seed ${seed}`);
  t.is(driveAtRandom(twin, shared as never, { seed, steps: 3000 }), undefined);
});
