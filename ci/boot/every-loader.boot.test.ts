import test from "ava";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { bootAppliance, buildAppliance } from "./appliance.ts";

const names = ["linux", "pvh", "multiboot"];

test("one image loads guests in every way, and each finds its command line", async (t) => {
  prepareBareGuest();
  const appliance = await buildAppliance("ci/boot/images/every-loader.ts");
  t.teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance);
  t.teardown(() => machine.kill());
  // The letter on the command line lets the program fault, and nothing else would.
  await machine.expect(/(?:guest \w+ stopped: triple fault[^]*?){3}/);
  for (const name of names) t.regex(machine.console, new RegExp(`guest ${name} stopped: triple fault`));
});
