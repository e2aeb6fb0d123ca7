import test from "ava";
import { makeTwin } from "../../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../../dsl/testing/random-twin.ts";
import { rng } from "../testing/virtio-rng.ts";
import { feature } from "./testing/driver.ts";
import { driveRings } from "./testing/random-rings.ts";

const seed = Number(process.env["TYPEVISOR_SEED"] ?? 1044);
const transport = feature.version1 | feature.indirect | feature.eventIndex;

test("virtio-rng does natively what it does in Node, whatever rings it is given", async (t) => {
  t.log(`seed ${seed}`);
  const twin = await makeTwin("devices/testing/virtio-rng.ts");
  const { difference, completed, failed } = driveRings(twin, {
    seed,
    steps: 500,
    queues: 1,
    size: 8,
    features: transport,
  });
  t.is(difference, undefined);
  t.true(completed > 100, `${completed} chains given back`);
  t.true(failed > 20, `${failed} rings refused`);
  t.is(driveAtRandom(twin, rng as never, { seed, steps: 1000 }), undefined);
});
