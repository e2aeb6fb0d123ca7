import test from "ava";
import { bootAppliance, buildAppliance } from "../ci/boot/appliance.ts";
import { preparePayloads } from "../ci/payloads.ts";

/** Two of its tests do nothing but wait for 80 s each; with the rest, a first pass takes about three minutes. */
const limitMs = 9 * 60_000;

test("memtest86+ finishes its first pass over 64 MB without an error", async (t) => {
  t.timeout(limitMs + 60_000);
  await preparePayloads();
  const appliance = await buildAppliance("images/memtest.ts");
  t.teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance);
  t.teardown(() => machine.kill());
  await machine.expect("typevisor: guest memtest started, 64 MiB");
  await machine.expect(/Status: Testing/);
  // "Pass" and "Failed" stand in the place of "Testing" from the end of the first pass on.
  const { groups } = await machine.expect(/Status: (Pass|Fail)[\s\S]*?Errors: *(\d+)\s/, { limitMs });
  t.deepEqual(groups, ["Pass", "0"]);
});
