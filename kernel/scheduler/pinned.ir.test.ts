/** Where every vCPU has a CPU of its own, nothing of the scheduler is in the image. */
import test from "ava";
import { lowerFile } from "../../compiler/lang/testing/twin.ts";

const { module } = lowerFile("kernel/scheduler/testing/pinned-program.ts");

test("nothing of what decides is there", (t) => {
  const files = new Set(module.functions.map((f) => f.loc.file.replace(/^.*kernel/, "kernel")));
  t.deepEqual([...files], ["kernel/scheduler/pinned.ts"]);
  t.deepEqual(module.globals.map((g) => g.displayName).sort(), ["pinnedState", "table", "table"]);
});

test("one vCPU alone leaves constants; of several it is told which CPU looks again", (t) => {
  const bodies = module.functions.filter((f) => !/^(?:alone|apart)_/.test(f.symbol));
  const lengths = bodies.map((f) => f.blocks.reduce((sum, b) => sum + b.instrs.length, 0));
  t.deepEqual(
    bodies.filter((_, i) => lengths[i] !== 0).map((f) => f.displayName),
    ["pinned.wake", "pinned.choose", "pinned.takeSignals"],
  );
  t.true(Math.max(...lengths) <= 16);
});
