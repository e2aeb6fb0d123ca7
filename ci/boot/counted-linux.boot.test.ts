import test from "ava";
import { bootCounting, expectTicks } from "../icount.ts";
import type { Machine } from "../qemu.ts";
import { buildAppliance, type BuiltAppliance } from "./appliance.ts";
import { countedImage, prepareCountedInitramfs } from "./counted.ts";

let appliance: BuiltAppliance;
let machine: Machine;

test.before(async () => {
  await prepareCountedInitramfs();
  appliance = await buildAppliance(countedImage);
  machine = await bootCounting({ image: appliance.img, memoryMiB: 1024 });
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
});

/** A counted run executes every instruction by itself: on a busy machine it takes minutes. */
const limit = { limitMs: 540_000 };
/** One tick of a counted run is a nanosecond of the emulator's time. */
const second = 1_000_000_000n;

test.serial("sleep 5 sleeps 5 seconds of the emulator's time", async (t) => {
  const before = await expectTicks(machine, "before sleep", limit);
  const slept = (await expectTicks(machine, "after sleep")) - before;
  t.true(slept >= 5n * second && slept < 5n * second + second / 10n, `${slept} ns`);
});

test.serial(
  "the date goes on by 60 seconds in a minute of the emulator's time, from the hardware clock's",
  async (t) => {
    const read = async (name: string): Promise<number> => {
      const found = await machine.expect(new RegExp(`^date ${name}: (\\d+)\\n`, "m"));
      return Number(found.groups[0]);
    };
    const before = await read("before minute");
    const after = await read("after minute");
    // The deterministic machine's clock starts at midnight of 1 January 2024.
    const start = Date.UTC(2024, 0, 1) / 1000;
    t.true(before >= start + 5 && before < start + 60, `${before}`);
    t.true(after - before === 60 || after - before === 61, `${after - before} s`);
  },
);
