/** What exits cost, against the shortest and the longest paths that the build has computed from the machine code. */
import test from "ava";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { bootCounting } from "../icount.ts";
import { figuresOf } from "../measure/exit-cost.ts";
import { exitKindOf } from "../measure/exit-kind.ts";
import { buildAppliance } from "./appliance.ts";

test("every exit costs between the shortest and the longest path that the build reports of its kind", async (t) => {
  prepareBareGuest();
  const appliance = await buildAppliance("ci/boot/images/measure-exits.ts");
  t.teardown(() => appliance.remove());
  const { exitPath } = appliance.report;
  for (const [kind, { instructions }] of Object.entries(exitPath)) t.not(instructions, "unbounded", kind);
  const machine = await bootCounting({ image: appliance.img, memoryMiB: 512 });
  t.teardown(() => machine.kill());
  const { before } = await machine.expect("\nmeasured\n", { limitMs: 1_200_000 });
  const figures = figuresOf(before).map(({ name, value }) => ({
    operation: name.replace(/^exit\./, ""),
    value,
  }));
  const nothing = figures.find(({ operation }) => operation === "nothing")!.value;
  const checked = new Set<string>();
  for (const { operation, value } of figures) {
    const kind = exitKindOf(operation);
    if (kind === undefined) continue;
    checked.add(kind);
    // The guest's own instructions: the pair of readings, and what gives the operands.
    const cost = value - nothing;
    const { least, instructions: most } = exitPath[kind]!;
    t.true(cost >= least, `${operation} costs ${cost}, and the shortest path of ${kind} is ${least}`);
    t.true(
      cost <= (most as number),
      `${operation} costs ${cost}, and the longest path of ${kind} is ${most}`,
    );
    t.log(`${operation}: ${cost} of ${least} to ${most}`);
  }
  for (const kind of [
    "cpuid",
    "rdmsr",
    "wrmsr",
    "port-in",
    "port-out",
    "nested-page-fault",
    "control-register",
    "hypercall",
  ])
    t.true(checked.has(kind), `nothing measures ${kind}`);
});
