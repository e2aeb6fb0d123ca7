import { join } from "node:path";
import test from "ava";
import { shellPrompt } from "../initramfs.ts";
import { payloadFolder, preparePayloads, unpackModules, writeInitramfs } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, shell, type BuiltAppliance } from "./appliance.ts";

const escape = "\x1d";
const prompt = /typevisor> $/;

/** What makes a power button's press a key. */
const modules = ["evdev", "button"];
/** Turns the guest off when the button is pressed. */
const obey =
  "for e in /sys/class/input/event*; do grep -q Power $e/device/name && " +
  "(dd if=/dev/input/${e##*/} of=/dev/null bs=24 count=1 2>/dev/null && poweroff) & done";

let appliance: BuiltAppliance;
let machine: Machine;

test.before(async () => {
  await preparePayloads();
  const unpacked = await unpackModules("linux-image-cloud-amd64", modules);
  writeInitramfs(join(payloadFolder, "button-initramfs.gz"), {
    entries: modules.map((name) => ({ kind: "file", path: `modules/${name}.ko`, data: unpacked.get(name)! })),
    startCommands: [...modules.map((name) => `insmod /modules/${name}.ko`), obey],
  });
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

test.serial("a guest that does not obey its power button is stopped when its time is over", async (t) => {
  await open();
  t.regex(await operator("stop beta"), /guest beta is asked to turn itself off/);
  await machine.expect(/guest beta stopped: it did not obey its power button in time/);
  t.like((await ask("list"))[1], { guest: "beta", state: "stopped" });
  // It is the guest that is attached: with its start it has the console.
  machine.send("start beta\r");
  await machine.expect(shellPrompt);
});

test.serial(
  "a crash leaves the registers, the guest starts again after its back-off, and not for ever",
  async (t) => {
    machine.send("reboot -f\n");
    await machine.expect(/guest beta stopped: triple fault at rip 0xffffffff/);
    await machine.expect(/guest beta left its registers/);
    await machine.expect(/guest beta starts again in 200 ms/);
    await machine.expect(/guest beta restarts: triple fault/);
    await machine.expect(shellPrompt);
    const [guest, vcpu, dump] = await ask("inspect beta");
    t.like(guest, { guest: "beta", state: "running", reason: "triple-fault", restarts: 1, endsInRow: 1 });
    t.like(vcpu, { vcpu: 0 });
    t.like(dump, { crashedVcpu: 0, reason: "triple-fault", cs: "0x10" });
    t.regex(String(dump?.["rip"]), /^0xffffffff[89a-f][0-9a-f]{7}$/);
    t.regex(String(dump?.["cr3"]), /^0x[1-9a-f][0-9a-f]*$/);
    machine.send("reboot -f\n");
    await machine.expect(/guest beta ended too often, and stays stopped/);
    t.like((await ask("list"))[1], { guest: "beta", state: "crashed", restarts: 1 });
  },
);

test.serial("the event log and the counters tell what happened", async (t) => {
  const events = await ask("events 40");
  const ofBeta = events.filter((e) => e["guest"] === "beta").map((e) => e["event"]);
  t.deepEqual(ofBeta.slice(0, 4), ["guest-started", "guest-paused", "guest-resumed", "guest-asked-to-stop"]);
  t.is(ofBeta.at(-1), "guest-given-up");
  const [whole, alpha] = await ask("top");
  t.is(whole?.["guestMemoryMiB"], 256);
  t.true(Number(whole?.["freeTablePages"]) > 0);
  t.like(alpha, { guest: "alpha", vcpu: 0 });
  t.true(Number(alpha?.["ranMs"]) > 100);
  t.true(Number(alpha?.["io"]) > 1000 && Number(alpha?.["exits"]) > Number(alpha?.["io"]));
});

test.serial(
  "a guest that obeys ends by itself, and the machine goes on until the operator ends it",
  async (t) => {
    machine.send(escape);
    await machine.expect(prompt);
    t.regex(await operator("stop alpha"), /guest alpha is asked to turn itself off/);
    machine.send("follow\r");
    await machine.expect(/ms {2}(CPU \d+ {2})?guest-ended {2}alpha/);
    machine.send("q");
    await machine.expect(prompt);
    t.regex(await operator("events 2"), /guest-asked-to-stop {2}alpha[^]*guest-ended {2}alpha/);
    t.like((await ask("list"))[0], { guest: "alpha", state: "stopped" });
    machine.send("power-off\r");
    t.is((await machine.exit()).status, 0);
  },
);
