/** The second emulator: SVM that tells the next RIP, under a firmware without ACPI tables. */
import test from "ava";
import { bootBochs } from "../bochs.ts";
import { shellPrompt } from "../initramfs.ts";
import { buildAppliance } from "./appliance.ts";

/** Bochs executes some fifty million instructions in a second. */
const limit = { limitMs: 540_000 };

test.serial(
  "under Bochs, without ACPI but with next RIP, Linux comes to its shell and computes",
  async (t) => {
    const appliance = await buildAppliance("ci/boot/images/no-acpi.ts");
    try {
      const machine = await bootBochs({ image: appliance.img, cpu: "ryzen", memoryMiB: 512 });
      try {
        await machine.expect(shellPrompt, limit);
        machine.send("echo $((6*7)) done\n");
        const { groups } = await machine.expect(/^(\d+) done\n/m, limit);
        t.is(groups[0], "42");
      } finally {
        await machine.kill();
      }
    } finally {
      appliance.remove();
    }
  },
);

test.serial(
  "where the manifest does not permit it, a firmware without ACPI gets the machine back",
  async (t) => {
    const appliance = await buildAppliance("images/minimal-linux.ts");
    try {
      const machine = await bootBochs({ image: appliance.img, cpu: "ryzen", memoryMiB: 1024 });
      try {
        await machine.expect(
          "the firmware has no ACPI tables, and the manifest does not permit to go without",
          limit,
        );
        t.pass();
      } finally {
        await machine.kill();
      }
    } finally {
      appliance.remove();
    }
  },
);
