import test from "ava";
import { makeTwin } from "../compiler/lang/testing/twin.ts";
import { driveAtRandom } from "../dsl/testing/random-twin.ts";
import { traced } from "./testing/traced-device.ts";

test("a traced device does natively what it does in Node, and tells the same accesses and changes", async (t) => {
  const seed = Number(process.env["SEED"] ?? 1234);
  t.log(`SEED=${seed}`);
  const twin = await makeTwin("kernel/testing/traced-device.ts");
  let reports = 0;
  const counting: typeof twin.call = (symbol, ...args) => {
    const both = twin.call(symbol, ...args);
    // The kind of an event is in [63:60] of its first word; a report's is 11.
    if (symbol === "event" && typeof both.node === "bigint" && both.node >> 60n === 11n) reports++;
    return both;
  };
  t.is(driveAtRandom({ call: counting }, traced as never, { seed, steps: 1500 }), undefined);
  t.true(reports > 1500, `${reports} events`);
});
