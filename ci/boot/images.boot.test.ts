import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { preparePayloads } from "../payloads.ts";
import { bootAppliance, buildAppliance, shell } from "./appliance.ts";

test.before(async () => {
  await preparePayloads();
});

for (const [image, what, kernel] of [
  [
    "images/minimal-linux.ts",
    "on nothing but the 8259s, the timer and a serial port",
    /Linux version 6\.1\.[^\n]*cloud-amd64/,
  ],
  [
    "images/hello-linux-esp.ts",
    "from files on the EFI system partition",
    /Linux version 6\.1\.[^\n]*cloud-amd64/,
  ],
  [
    "images/hello-linux-amd64.ts",
    "with Debian's general kernel",
    /Linux version 6\.1\.(?![^\n]*cloud)[^\n]*amd64/,
  ],
] as const) {
  test.serial(`${image} reaches a shell ${what}, and its log has no bug or warning`, async (t) => {
    const appliance = await buildAppliance(image);
    t.teardown(() => appliance.remove());
    const machine = await bootAppliance(appliance);
    t.teardown(() => machine.kill());
    await machine.expect(kernel);
    await machine.expect(shellPrompt);
    t.is(await shell(machine, "echo $((6*7))"), "42\n");
    const found = await shell(
      machine,
      "dmesg | grep -E 'BUG|WARNING|[Ff]irmware [Bb]ug|APIC error|Call Trace'",
    );
    t.is(found, "");
  });
}
