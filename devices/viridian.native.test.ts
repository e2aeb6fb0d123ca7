import test from "ava";
import { makeTwin } from "../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../dsl/testing/random-twin.ts";
import { catalogue } from "./catalogue.ts";

for (const name of Object.keys(catalogue).filter((n) => n.startsWith("viridian") || n === "hypercalls")) {
  test(`${name} does natively what it does in Node, access by access`, async (t) => {
    const seed = Number(process.env["TYPEVISOR_SEED"] ?? 2009);
    t.log(`seed ${seed}`);
    const twin = await makeTwin(`devices/testing/${name}.ts`);
    t.is(driveAtRandom(twin, catalogue[name] as never, { seed, steps: 1500 }), undefined);
  });
}
