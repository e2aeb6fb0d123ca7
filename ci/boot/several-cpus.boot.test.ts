import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { fillComplement, filledBytes } from "../../platforms/x86_64/bare-guest/filling.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, type BuiltAppliance } from "./appliance.ts";

const folder = mkdtempSync(join(tmpdir(), "typevisor-cpus-"));
const disk = join(folder, "disk.img");
const memoryFile = join(folder, "memory");
const memoryMiB = 384;
const cpus = 3;
/** For each test: what is waited for here shows in answers that always come. */
const limitMs = 240_000;
const escape = "\x1d";
const prompt = /typevisor> $/;
const kept =
  /registers in use at the start: 0\n[^]*registers in use at the other processors' starts: 0\n4 processors keep/;

let appliance: BuiltAppliance;
let machine: Machine;

test.before(async () => {
  prepareBareGuest();
  writeFileSync(disk, "");
  truncateSync(disk, 256 * 2 ** 20);
  execFileSync("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", disk], {
    input: "label: gpt\nstart=2048, name=saves\n",
  });
  appliance = await buildAppliance("ci/boot/images/several-cpus.ts");
  machine = await bootAppliance(appliance, {
    ...{ cpus, memoryMiB, restartOnReset: true },
    extra: ["-drive", `if=none,id=saves,format=raw,file=${disk}`, "-device", "nvme,drive=saves,serial=1"],
  });
});
test.beforeEach((t) => t.timeout(limitMs));
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
  rmSync(folder, { recursive: true, force: true });
});

type Answer = readonly Readonly<Record<string, unknown>>[];

/** Sends what a program does, and gives the records of the answer. */
async function ask(command: string): Promise<Answer> {
  machine.send(`\x1e${command}\n`);
  const { before, text } = await machine.expect(/\{"ok":(true|false[^\n]*)\}\n/);
  return [...(before + text).matchAll(/(\{".*\})\n/g)].map(
    ([, line]) => JSON.parse(line!) as Record<string, unknown>,
  );
}
async function obey(t: ExecutionContext, command: string): Promise<void> {
  t.deepEqual((await ask(command)).at(-1), { ok: true }, command);
}
/** Looks at a guest until it is as it should be. */
async function until(guest: string, isSo: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask(`inspect ${guest}`);
    if (isSo(answer)) return answer;
  }
}
const isIn = (state: string) => (answer: Answer) => answer[0]!["state"] === state;
/** None of its vCPUs has a CPU. */
const rests = (answer: Answer): boolean => answer.every((record) => record["cpu"] === undefined);
/** Gives the console to a guest. */
async function attach(guest: string): Promise<void> {
  machine.send(escape);
  await machine.expect(prompt);
  machine.send(`attach ${guest}\r`);
  await machine.expect(`attach ${guest}\n`);
}
/** How often each of the keeper's processors has found its registers right. */
async function rounds(): Promise<readonly number[]> {
  machine.send("c");
  const { text } = await machine.expect(/rounds( \d+){4}\n/);
  return text.trim().split(" ").slice(1).map(Number);
}
/** Each of them goes round more often. */
async function goOn(): Promise<void> {
  const before = await rounds();
  for (;;) {
    const now = await rounds();
    if (now.every((count, i) => count > before[i]! + 1)) return;
  }
}
/** Pages of the machine's memory that hold what the filler writes. */
async function filledPages(): Promise<number> {
  await machine.qmp("pmemsave", { val: 0, size: memoryMiB * 2 ** 20, filename: memoryFile });
  const memory = readFileSync(memoryFile);
  const needle = Buffer.alloc(64);
  for (let at = 0; at < 64; at += 8) needle.writeBigUInt64LE(BigInt.asUintN(64, ~fillComplement), at);
  let pages = 0;
  for (let at = memory.indexOf(needle); at >= 0; at = memory.indexOf(needle, (at | 4095) + 1)) pages++;
  return pages;
}

test.serial("a guest's processors keep all their registers while they move from CPU to CPU", async (t) => {
  await machine.expect(`typevisor: ${cpus} CPUs`);
  await machine.expect(kept);
  const seen = [0, 1, 2, 3].map(() => new Set<unknown>());
  await until("keeper", (answer) => {
    answer.slice(1).forEach(({ cpu }, i) => {
      if (cpu !== undefined) seen[i]?.add(cpu);
    });
    return seen.every((all) => all.size > 1);
  });
  await goOn();
  t.pass();
});

test.serial("guests that run on other CPUs are paused and go on, fifty times", async (t) => {
  for (let i = 0; i < 50; i++) {
    await obey(t, "pause keeper");
    await until("keeper", rests);
    await obey(t, "pause spinner");
    await until("spinner", rests);
    await obey(t, i % 2 === 0 ? "resume keeper" : "resume spinner");
    await obey(t, i % 2 === 0 ? "resume spinner" : "resume keeper");
  }
  await goOn();
});

test.serial("guests on several CPUs are stopped, killed, started and reset over and over", async (t) => {
  for (let i = 0; i < 10; i++) {
    await obey(t, "kill spinner");
    await until("spinner", isIn("stopped"));
    await obey(t, "start spinner");
    await until("spinner", isIn("running"));
    if (i % 2 !== 0) {
      await obey(t, "kill keeper");
      await until("keeper", isIn("stopped"));
    }
    await obey(t, i % 2 === 0 ? "reset keeper" : "start keeper");
    await machine.expect(kept);
  }
  // The second processor does it, and the first spins.
  machine.send("r");
  await machine.expect("typevisor: guest keeper restarts: it asked for a restart");
  await machine.expect(kept);
});

test.serial(
  "one that obeys its power button ends by itself, and one that does not is stopped in time",
  async (t) => {
    await obey(t, "stop keeper");
    await machine.expect("typevisor: guest keeper ended: it powered itself off");
    await obey(t, "stop spinner");
    await machine.expect("typevisor: guest spinner stopped: it did not obey its power button in time");
    await obey(t, "start keeper");
    await machine.expect(kept);
  },
);

test.serial("what a guest leaves in memory is nowhere on the machine, and it finds none of it", async (t) => {
  await attach("filler");
  await machine.expect("words in use: 0\nfilled\n");
  t.is(await filledPages(), filledBytes / 4096);
  await obey(t, "kill filler");
  const isClear = ([guest]: Answer): boolean => guest!["unclearedKiB"] === 0;
  await until("filler", isClear);
  t.is(await filledPages(), 0);
  await obey(t, "start filler");
  await machine.expect("words in use: 0\nfilled\n");
  machine.send("t");
  await machine.expect("typevisor: guest filler stopped: triple fault");
  await until("filler", isClear);
  t.is(await filledPages(), 0);
  await attach("keeper");
});

test.serial(
  "a guest on several CPUs is saved, and its processors go on with all their registers",
  async (t) => {
    await obey(t, "start spinner");
    const before = await rounds();
    await obey(t, "save keeper");
    t.is((await until("keeper", rests))[0]!["state"], "stopped");
    machine.send("\x1erestart\n");
    await machine.expect("typevisor: guest keeper goes on where it was saved");
    await goOn();
    const after = await rounds();
    t.true(
      after.every((count, i) => count > before[i]!),
      `${after.join(" ")} after ${before.join(" ")}`,
    );
    machine.send("\x1epower-off\n");
    t.is((await machine.exit()).status, 0);
  },
);
