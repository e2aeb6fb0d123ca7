import test from "ava";
import { makeFeatures } from "./testing/features.ts";
import { argumentLists, randomFrom, seedOfRun } from "./testing/inputs.ts";

const runs = [
  {
    what: "every function gives natively what it gives in Node",
    ...(await makeFeatures({ checkIntervals: false })),
  },
  {
    what: "no integer leaves the interval that was inferred for it",
    ...(await makeFeatures({ checkIntervals: true })),
  },
];

for (const { what, features, twin } of runs) {
  for (const { name, entries } of features) {
    test(`${name}: ${what}`, (t) => {
      const seed = seedOfRun();
      t.log(`SEED=${seed}`);
      const random = randomFrom(seed);
      for (const { symbol, params } of entries) {
        let traps = 0;
        let calls = 0;
        for (const args of argumentLists(params, 400, random)) {
          const { node, native } = twin.call(symbol, ...args);
          // A zero's sign is nothing that a program can see.
          if (native !== (node === 0 ? 0 : node))
            t.fail(
              `${symbol}(${args.join(", ")}): ${String(node)} in Node, ${String(native)} natively, SEED=${seed}`,
            );
          if (node === "trap") traps++;
          calls++;
        }
        t.true(traps < calls, `${symbol} always traps`);
      }
    });
  }
}
