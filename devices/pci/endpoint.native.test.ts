import test from "ava";
import { makeTwin } from "../../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../../dsl/testing/random-twin.ts";
import { sample } from "./testing/endpoint.ts";

test("a PCI function with MSI-X does natively what it does in Node", async (t) => {
  const twin = await makeTwin("devices/pci/testing/endpoint.ts");
  const seed = Number(process.env["TYPEVISOR_SEED"] ?? 11);
  t.log(`seed ${seed}`);
  t.is(driveAtRandom(twin, sample as never, { seed, steps: 4000 }), undefined);
});
