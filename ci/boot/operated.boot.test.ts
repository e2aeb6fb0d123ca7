import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { preparePayloads } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, shell, type BuiltAppliance } from "./appliance.ts";

const escape = "\x1d";
const prompt = /typevisor> $/;

let appliance: BuiltAppliance;
let machine: Machine;

test.before(async () => {
  await preparePayloads();
  appliance = await buildAppliance("ci/boot/images/operated.ts");
  machine = await bootAppliance(appliance);
  await machine.expect(shellPrompt);
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
});

/** Types a line at the operator's prompt and gives what it said. */
async function operator(line: string): Promise<string> {
  machine.send(`${line}\r`);
  const { before } = await machine.expect(prompt);
  return before;
}
/** Opens the operator's prompt. */
async function open(): Promise<void> {
  machine.send(escape);
  await machine.expect(prompt);
}
/** Sends what a program does, and gives the records of the answer. */
async function ask(command: string): Promise<readonly Record<string, unknown>[]> {
  machine.send(`\x1e${command}\n`);
  // The console's text is without control characters, and so without the records' separators.
  const { before, text } = await machine.expect(/\{"ok":(true|false[^\n]*)\}\n/);
  return [...(before + text).matchAll(/(\{".*\})\n/g)].map(
    ([, line]) => JSON.parse(line!) as Record<string, unknown>,
  );
}

test.serial(
  "the operator sees the guests, and gives the console to one by the first letters of its name",
  async (t) => {
    await open();
    t.regex(await operator("list"), /alpha {2}128 MiB {2}running[^]*beta {2}128 MiB {2}running/);
    machine.send("att\tb\t\r");
    await machine.expect(shellPrompt);
    t.is((await shell(machine, "echo $((6 * 7))")).trim(), "42");
  },
);

test.serial("a guest that is paused stands still, its clock included, and goes on", async (t) => {
  const before = Number((await shell(machine, "cut -d. -f1 /proc/uptime")).trim());
  machine.send("sleep 2; echo slept\n");
  await open();
  t.regex(await operator("pause beta"), /guest beta is paused/);
  t.regex(await operator("list"), /beta {2}128 MiB {2}paused/);
  t.regex(await operator("resume beta"), /guest beta goes on/);
  machine.send("exit\r");
  await machine.expect(/slept/);
  await machine.expect(shellPrompt);
  const after = Number((await shell(machine, "cut -d. -f1 /proc/uptime")).trim());
  t.true(after >= before + 2);
});

test.serial("a program is answered in records, whoever has the console", async (t) => {
  const guests = await ask("list");
  t.like(guests[0], { guest: "alpha", state: "running", memoryMiB: 128 });
  t.like(guests[1], { guest: "beta", state: "running" });
  t.deepEqual(guests[2], { ok: true });
  t.deepEqual(await ask("start gamma"), [{ ok: false, error: "there is no guest gamma" }]);
});
