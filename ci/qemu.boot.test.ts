import { createHash } from "node:crypto";
import test from "ava";
import { shellPrompt } from "./initramfs.ts";
import { payloadFile } from "./payloads.ts";
import { boot } from "./qemu.ts";

const cloudKernel = {
  kernel: payloadFile("vmlinuz-cloud"),
  initrd: payloadFile("initramfs.gz"),
  append: "console=ttyS0",
  memoryMiB: 512,
} as const;

test("the cloud kernel reaches the shell, runs typed commands and powers off", async (t) => {
  const machine = await boot(cloudKernel);
  t.teardown(() => machine.kill());
  await machine.expect(shellPrompt);
  machine.send("echo $((6*7))\n");
  await machine.expect(/^42$/m);
  await machine.expect(shellPrompt);
  machine.send("tty\n");
  await machine.expect("/dev/ttyS0");
  t.regex(await machine.monitor("info status"), /running/);
  machine.send("poweroff\n");
  t.deepEqual(await machine.exit(), { status: 0, signal: undefined });
  t.deepEqual(machine.events.at(-1), { event: "SHUTDOWN", data: { guest: true, reason: "guest-shutdown" } });
});

test("a pasted text of 4 KB arrives whole", async (t) => {
  const machine = await boot(cloudKernel);
  t.teardown(() => machine.kill());
  await machine.expect(shellPrompt);
  const lines = Array.from(
    { length: 64 },
    (_, index) => `${String(index).padStart(3, "0")} ${"x".repeat(59)}`,
  );
  const text = `${lines.join("\n")}\n`;
  t.is(text.length, 4096);
  machine.send(`dmesg -n 1; stty -echo; echo rea''dy; cat >/tmp/pasted; md5sum </tmp/pasted\n`);
  await machine.expect("ready");
  machine.send(`${text}\x04`);
  const sum = createHash("md5").update(text).digest("hex");
  await machine.expect(sum);
});

test("what a machine does not say fails the expectation when the machine ends, with its last lines", async (t) => {
  const machine = await boot({
    ...cloudKernel,
    append: "console=ttyS0 panic=-1 rdinit=/nothing root=/dev/none",
  });
  t.teardown(() => machine.kill());
  const error = await t.throwsAsync(machine.expect(shellPrompt));
  t.regex(error.message, /but QEMU ended with status 0/);
  t.regex(error.message, /Kernel panic - not syncing/);
});

test("QEMU's own complaint is part of the failure", async (t) => {
  const machine = await boot({ extra: ["-device", "no-such-device"] });
  t.teardown(() => machine.kill());
  const error = await t.throwsAsync(machine.expect("anything"));
  t.regex(error.message, /no-such-device/);
});

test("killing a machine ends it by a signal, and twice is as good as once", async (t) => {
  const machine = await boot(cloudKernel);
  t.is((await machine.kill()).signal, "SIGKILL");
  t.is((await machine.kill()).signal, "SIGKILL");
  await t.throwsAsync(machine.monitor("info status"), { message: /QEMU ended by SIGKILL/ });
});
