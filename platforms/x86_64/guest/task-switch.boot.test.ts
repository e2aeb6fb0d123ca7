import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { bootBochs } from "../../../ci/bochs.ts";
import { buildAppliance, type BuiltAppliance } from "../../../ci/boot/appliance.ts";
import { payloadFolder } from "../../../ci/payloads.ts";
import { boot } from "../../../ci/qemu.ts";
import { taskElf } from "./testing/task-payload.ts";

let appliance: BuiltAppliance;
test.before(async () => {
  writeFileSync(join(payloadFolder, "tasks.elf"), taskElf());
  appliance = await buildAppliance("ci/boot/images/tasks.ts");
});
test.after.always(() => appliance.remove());

/** The types of both tasks' descriptors, the task register, TS and NT: back in the first task; in the other one, linked or not. */
const first = "0000008b 00000089 00000020 00000008 00000000";
const linked = "00000020 0000008b 0000008b 00000028 00000008 00004000";

/** What the payload tells; its local APIC's version, processor and addresses aside. */
const expected: readonly (readonly [string, RegExp])[] = [
  ["start", /^0000008b 00000089 00000020 00000000 00000000$/],
  ["status", /^[0-9a-f]{7}9 [0-9a-f]{7}1$/],
  ["other", /^00000000 00000089 0000008b 00000028 00000008 00000000$/],
  ["jumped", new RegExp(`^11111111 ${first}$`)],
  ["other", new RegExp(`^${linked}$`)],
  ["called", new RegExp(`^${first}$`)],
  ["other", new RegExp(`^${linked}$`)],
  ["gate", new RegExp(`^${first}$`)],
  ["other", new RegExp(`^${linked}$`)],
  ["interrupted", new RegExp(`^${first}$`)],
  // The error code, and the address of the faulting instruction twice.
  ["faulted", new RegExp(`^00001238 ([0-9a-f]{8}) \\1 ${first}$`)],
  ["short", new RegExp(`^00000009 00008765 22222222 ${first}$`)],
  ["outs", /^bytes of real mode$/],
  ["real", /^5a5a1234 000[56]0014 [0-9a-f]{8} 00000003 ffffffff 96969696$/],
];

// QEMU 7.2 switches tasks by itself; Bochs leaves them to the hypervisor.
for (const emulator of ["QEMU", "Bochs"] as const) {
  test.serial(
    `under ${emulator} a guest switches tasks in every way, and runs 16-bit code and real mode`,
    async (t) => {
      const machine =
        emulator === "QEMU"
          ? await boot({ image: appliance.img, memoryMiB: 256 })
          : await bootBochs({ image: appliance.img, cpu: "ryzen", memoryMiB: 256 });
      t.teardown(() => machine.kill());
      await machine.expect(/\[end\]/, { limitMs: 600_000 });
      const told = [...machine.console.matchAll(/^\[(\w+)\] ?(.*?)\r?$/gm)].map(([, name, text]) => [
        name,
        text,
      ]);
      const names = expected.map(([name]) => name);
      t.deepEqual(
        told.map(([name]) => name),
        [...names, "end"],
      );
      expected.forEach(([name, text], i) => t.regex(told[i]![1]!, text, name));
    },
  );
}
