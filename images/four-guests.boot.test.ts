import { createHash } from "node:crypto";
import test from "ava";
import { bootAppliance, buildAppliance, shell } from "../ci/boot/appliance.ts";
import { prepareBareGuest } from "../ci/bare-guest/build.ts";
import { shellPrompt } from "../ci/initramfs.ts";
import { preparePayloads } from "../ci/payloads.ts";

const escape = "\x1d";
const prompt = /typevisor> $/;
/** By the clock of the guest that tells it. */
const seconds = 120;
const limitMs = 15 * 60_000;

/** Checksums of checksums, in the guest's shell and here. */
const links = 200;
const chain = `x=0; for i in $(seq 1 ${links}); do x=$(echo $x | md5sum | cut -c1-32); done; echo $x`;
const chained = Array.from({ length: links }).reduce<string>(
  (x) => createHash("md5").update(`${x}\n`).digest("hex"),
  "0",
);

/** A guest of the list, by its line. */
const lineOf = (list: string, guest: string): string => new RegExp(`^ +${guest} .*$`, "m").exec(list)![0];

test("four guests of four kinds share four CPUs for two minutes, and one that crashes over and over harms no other", async (t) => {
  t.timeout(limitMs);
  await preparePayloads();
  prepareBareGuest();
  const appliance = await buildAppliance("images/four-guests.ts");
  t.teardown(() => appliance.remove());
  const machine = await bootAppliance(appliance, { memoryMiB: 2048, cpus: 4 });
  t.teardown(() => machine.kill());
  const operator = async (line: string): Promise<string> => {
    machine.send(`${line}\r`);
    return (await machine.expect(prompt)).before;
  };
  /** What a command of the Linux guest prints; notices of the others get between its lines. */
  const linux = async (command: string): Promise<string> =>
    (await shell(machine, command)).replaceAll(/^(typevisor: .*)?\n/gm, "");
  const open = async (): Promise<void> => {
    machine.send(escape);
    await machine.expect(prompt);
  };

  await machine.expect("typevisor: 4 CPUs");
  await machine.expect(shellPrompt);
  t.is(await linux("nproc"), "2\n");
  t.is(await linux(chain), `${chained}\n`);

  await open();
  const list = await operator("list");
  for (const guest of ["linux", "firmware", "ticker", "crasher"])
    t.regex(list, new RegExp(`^ +${guest} `, "m"));

  machine.send("attach firmware\r");
  await machine.expect("Shell>");
  await open();
  machine.send("attach ticker\r");
  await machine.expect(`tick ${seconds}\n`, { limitMs });
  await open();
  const after = await operator("list");
  for (const guest of ["linux", "firmware", "ticker"]) t.regex(lineOf(after, guest), /running +.*restarts 0/);
  const restarts = Number(/restarts (\d+)/.exec(lineOf(after, "crasher"))![1]);
  t.true(restarts >= 5, `the crashing guest was restarted ${restarts} times`);

  machine.send("attach linux\r");
  machine.send("\n");
  await machine.expect(shellPrompt);
  t.is(await linux(chain), `${chained}\n`);
  t.is(await linux("dmesg | grep -E 'BUG:|Call Trace|soft lockup'"), "");
  // A guest's power-off is its own affair.
  machine.send("poweroff\n");
  await machine.expect("typevisor: guest linux ended");
  await open();
  t.regex(lineOf(await operator("list"), "ticker"), /running/);
  machine.send("power-off\r");
  t.deepEqual(await machine.exit(), { status: 0, signal: undefined });
});
