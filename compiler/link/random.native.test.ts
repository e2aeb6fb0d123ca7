import test from "ava";
import { instantiate } from "./instantiate.ts";
import { disagreement, randomPlan, randomSeed } from "./sample-random.ts";
import { linkWasm } from "./wasm.ts";

test("random functions give in WebAssembly what the interpreter gives", async (t) => {
  const seed = randomSeed();
  t.log(`SEED=${seed}`);
  const { module, calls } = randomPlan(seed);
  const { wasm } = linkWasm(
    module,
    module.functions.map((fn) => fn.symbol),
  );
  const { functions } = await instantiate(wasm);
  const results = calls.map(({ fn, args }) => BigInt.asUintN(64, functions[fn.symbol]!(...args) as bigint));
  t.is(disagreement(seed, results), undefined);
});
