import test from "ava";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { bootAppliance, buildAppliance, type BuiltAppliance } from "./appliance.ts";

let appliance: BuiltAppliance;

test.before(async () => {
  prepareBareGuest();
  appliance = await buildAppliance("ci/boot/images/many-cpus.ts");
});
test.after.always(() => appliance.remove());

test("the build bounds every kind of exit of an image for several CPUs, and names what a CPU may wait for", (t) => {
  const { exitPath, longestExitPath } = appliance.report;
  for (const [kind, { instructions }] of Object.entries(exitPath)) t.not(instructions, "unbounded", kind);
  t.true(longestExitPath.waits?.includes("for the lock of the kernel"));
});

/** CPUs of the machine, and what the image for up to four says of them. */
const machines: readonly (readonly [cpus: number, said: RegExp | null])[] = [
  [1, null],
  [2, /^typevisor: 2 CPUs, counters agree within \d+ ticks\n/m],
  [4, /^typevisor: 4 CPUs, counters agree within \d+ ticks\n/m],
  [8, /^typevisor: 4 CPUs, counters agree within \d+ ticks; not used: 4\n/m],
];

for (const [cpus, said] of machines) {
  test.serial(
    `four guests run on a machine with ${cpus === 1 ? "one CPU" : `${cpus} CPUs, which are told of`}`,
    async (t) => {
      const machine = await bootAppliance(appliance, { cpus, memoryMiB: 512 });
      t.teardown(() => machine.kill());
      const { before } = await machine.expect("ready\n");
      if (said === null) t.notRegex(before, /CPUs/);
      else t.regex(before, said);
      t.regex(
        before,
        /guest first started[^]*guest second started[^]*guest third started[^]*guest fourth started/,
      );
      // Each CPU takes one, most of them in the middle of a guest.
      await machine.monitor("nmi");
      // Its registers stay its own, through exits and through its restart.
      machine.send("a");
      await machine.expect("registers changed across exits: 0\n");
      machine.send("w");
      await machine.expect("typevisor: guest first restarts: triple fault");
      await machine.expect(/^registers in use at the start: 0\n/m);
      await machine.expect("ready\n");
    },
  );
}
