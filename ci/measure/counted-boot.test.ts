import test from "ava";
import { exitFigures, requireSameBoot, type CountedBoot } from "./counted-boot.ts";
import { noExits } from "./exit-counts.ts";
import { UnsteadyRuns } from "./operation-costs.ts";

const boot: CountedBoot = {
  ticks: 1000,
  entry: 0,
  workloads: [{ name: "workload.compute.ticks.kvm", value: 50, unit: "ticks" }],
  exits: { ...noExits, cpuid: 3 },
};

test("two boots that tell the same are one measurement", (t) => {
  t.notThrows(() => requireSameBoot(boot, { ...boot, exits: { ...boot.exits } }));
});

test("boots that differ in ticks, in a workload or in a kind of exit are refused, with what differs", (t) => {
  const workloads = [{ ...boot.workloads[0], value: 51 }];
  for (const [changed, said] of [
    [{ ticks: 1001 }, "boot.shell.ticks is 1000, and in the second run 1001"],
    [{ workloads }, "workload.compute.ticks.kvm is 50, and in the second run 51"],
    [{ exits: { ...boot.exits, hlt: 1 } }, "boot.exits.hlt is 0, and in the second run 1"],
  ] as const) {
    const error = t.throws(() => requireSameBoot(boot, { ...boot, ...changed }), {
      instanceOf: UnsteadyRuns,
    });
    t.is(error.message, `two boots differ: ${said}`);
  }
});

test("exits are told by kind and together", (t) => {
  const figures = exitFigures({ ...noExits, cpuid: 3, hlt: 4 }, "kvm");
  const valueOf = (name: string): number | undefined => figures.find((figure) => figure.name === name)?.value;
  t.is(valueOf("boot.exits.cpuid.kvm"), 3);
  t.is(valueOf("boot.exits.exception.kvm"), 0);
  t.is(valueOf("boot.exits.total.kvm"), 7);
});
