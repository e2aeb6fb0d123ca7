import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import { decodeTrace } from "../../compiler/trace/decode.ts";
import { readTrace } from "../../compiler/trace/read.ts";
import type { TraceModel } from "../../dsl/trace/model.ts";
import { shellPrompt } from "../initramfs.ts";
import { preparePayloads } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, shell, type BuiltAppliance } from "./appliance.ts";

const folder = mkdtempSync(join(tmpdir(), "typevisor-saves-"));
const disk = join(folder, "disk.img");
const traceFile = join(folder, "trace");
const withDisk = [
  "-drive",
  `if=none,id=saves,format=raw,file=${disk}`,
  "-device",
  "nvme,drive=saves,serial=1",
];
const firstSector = 2048;
const escape = "\x1d";
const prompt = /typevisor> $/;

let appliance: BuiltAppliance;
let machine: Machine;
let console = "";

const start = (of: BuiltAppliance): Promise<Machine> =>
  bootAppliance(of, {
    restartOnReset: true,
    extra: [...withDisk, "-debugcon", `file:${traceFile}`],
    onConsole: (chunk) => {
      console += chunk.toString("latin1");
    },
  });
/** Types a command at the operator's prompt and gives what it said. */
async function operator(command: string, answer: RegExp = prompt): Promise<string> {
  machine.send(`${command}\r`);
  const { before, text } = await machine.expect(answer);
  return before + text;
}

/** A line of the workload depends on all that were before: on every page and register that took part. */
const workload =
  's=0; i=0; while :; do i=$((i+1)); s=$(echo "$s $i" | md5sum | cut -c1-32); echo "<$i $s>"; done';
/** What the guest said: the operator's lines lie between its bytes. */
const guestText = (text: string): string =>
  text
    .replaceAll("\r", "")
    // What the prompt ends a guest's escape sequence with.
    .replaceAll("\x18", "")
    .replace(/typevisor> restart\n[^]*?after \d+ s\n/, "")
    .replaceAll(/ {2}linux {2}128 MiB {2}saved[^\n]*\n|it is saved: [^\n]*\n/g, "")
    .replaceAll(/\n?typevisor[>:] [^\n]*\n/g, "");
/** The numbers of the workload's lines, each of which is whole, right, and follows the one before. */
function linesOf(text: string): { readonly first: number; readonly last: number } {
  const lines = [...guestText(text).matchAll(/<(\d+) ([0-9a-f]{32})>/g)];
  const numbers = lines.map(([, number]) => Number(number));
  let sum = "0";
  for (let i = 1; i <= numbers.at(-1)!; i++) {
    sum = createHash("md5").update(`${sum} ${i}\n`).digest("hex");
    if (lines[i - 1]?.[1] !== String(i) || lines[i - 1]?.[2] !== sum)
      throw new Error(`line ${i} is ${JSON.stringify(lines[i - 1]?.[0])}, and has the sum ${sum}`);
  }
  return { first: numbers[0]!, last: numbers.at(-1)! };
}

test.before(async () => {
  await preparePayloads();
  writeFileSync(disk, "");
  truncateSync(disk, 256 * 2 ** 20);
  execFileSync("sfdisk", ["--quiet", "--no-reread", "--no-tell-kernel", disk], {
    input: `label: gpt\nstart=${firstSector}, name=saves\n`,
  });
  appliance = await buildAppliance("ci/boot/images/saved-traced.ts");
  machine = await start(appliance);
  await machine.expect(shellPrompt);
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
  rmSync(folder, { recursive: true, force: true });
});

test.serial(
  "a guest is saved in the middle of its work, and then does not start from its beginning",
  async (t) => {
    await shell(machine, "echo before >/tmp/kept");
    console = "";
    machine.send(`(${workload}) & clear\n`);
    await machine.expect(/<20 [0-9a-f]{32}>/);
    machine.send(escape);
    await machine.expect(prompt);
    t.regex(await operator("save linux"), /typevisor: guest linux is saved, \d+ MiB/);
    t.regex(await operator("list"), /linux {2}128 MiB {2}saved/);
    t.regex(await operator("start linux"), /it is saved: restore it, or discard that first/);
  },
);

test.serial(
  "after a restart of the machine it goes on, and not a byte of its console is missing",
  async (t) => {
    t.regex(await operator("restart", /goes on where it was saved, after \d+ s/), /UEFI|BdsDxe/);
    await machine.expect(/<\d+ [0-9a-f]{32}>\n<\d+ [0-9a-f]{32}>/);
    const before = linesOf(console).last;
    await machine.expect(new RegExp(`<${before + 20} [0-9a-f]{32}>`));
    machine.send("kill %1; kill $!\n");
    await machine.expect(shellPrompt);
    t.like(linesOf(console), { first: 1 });
    t.is((await shell(machine, "cat /tmp/kept")).trim(), "before");
  },
);

test.serial(
  "its clock has gone on without a jump, and its battery's clock tells the true time",
  async (t) => {
    const [battery, uptime] = (
      await shell(machine, "cat /sys/class/rtc/rtc0/since_epoch; cut -d. -f1 /proc/uptime")
    ).split("\n");
    t.true(Math.abs(Number(battery) - Date.now() / 1000) < 10, `${battery} against ${Date.now() / 1000}`);
    t.true(Number(uptime) < 3600);
    await shell(machine, "hwclock -s -u");
    const [now, then] = (await shell(machine, "date +%s; cat /sys/class/rtc/rtc0/since_epoch")).split("\n");
    t.true(Math.abs(Number(now) - Number(then)) <= 2, `${now} against ${then}`);
    const log = await shell(machine, "dmesg");
    t.notRegex(log, /lockup|stall|unstable|skew/i);
  },
);

test.serial("it sleeps as long as it is told, and can be saved and restored without a restart", async (t) => {
  machine.send("sleep 3; echo slept\n");
  machine.send(escape);
  await machine.expect(prompt);
  t.regex(await operator("save"), /is saved/);
  t.regex(await operator("restore", /slept/), /goes on where it was saved, after \d+ s/);
  await machine.expect(shellPrompt);
  const slept = await shell(
    machine,
    "a=$(cut -d. -f1 /proc/uptime); sleep 3; b=$(cut -d. -f1 /proc/uptime); echo $((b-a))",
  );
  t.true(Number(slept) >= 3 && Number(slept) <= 4, slept);
  machine.send(escape);
  await machine.expect(prompt);
  t.regex(await operator("restore"), /is not restored: it runs/);
});

test.serial("its trace tells over the restart what each restore gave back to its devices", (t) => {
  const model = JSON.parse(readFileSync(join(dirname(appliance.img), "trace.json"), "utf8")) as TraceModel;
  const trace = readTrace(readFileSync(traceFile), model);
  t.is(trace.damage, undefined);
  const events = decodeTrace(trace, model).filter((e) => e.device === "com1");
  const resumed = events.flatMap(({ kind }, at) => (kind === "resume" ? [at] : []));
  t.is(resumed.length, 2);
  const { wires } = model.devices.find(({ name }) => name === "com1")!;
  const isWire = (subject: string): boolean => wires.includes(subject.replace(/\..*$/, ""));
  for (const at of resumed) {
    const known = new Map<string, bigint>();
    for (const { kind, subject, value } of events.slice(0, at)) {
      if (kind === "restart" || kind === "resume") known.clear();
      if (kind === "change" || kind === "restored") known.set(subject, value);
    }
    const behind = events.slice(at + 1);
    const restored = behind.slice(
      0,
      behind.findIndex(({ kind }) => kind !== "restored"),
    );
    t.true(restored.some(({ subject, fields }) => subject === "lcr" && fields["wordLength"] === 3));
    // Lines and timers change by events of their own.
    for (const { subject, value } of restored.filter((e) => !isWire(e.subject)))
      t.is(value, known.get(subject) ?? value, `${subject} at event ${at}`);
  }
});

test.serial("an image that keeps other state refuses the save, and names what differs", async (t) => {
  t.regex(await operator("save"), /is saved/);
  await machine.kill();
  const other = await buildAppliance("ci/boot/images/saved-otherwise.ts");
  try {
    machine = await start(other);
    const { before, text } = await machine.expect(/ {2}here: .*\n/);
    t.regex(
      before + text,
      /guest linux is not restored: this image keeps other state than the one that saved it/,
    );
    t.regex(text, /here: watchdog/);
    machine.send("x");
    await machine.expect(prompt);
    t.regex(await operator("list"), /linux {2}128 MiB {2}saved/);
  } finally {
    await machine.kill();
    other.remove();
  }
});

test.serial(
  "a damaged save is refused; what stays is the operator's to discard, and the guest starts afresh",
  async (t) => {
    const file = openSync(disk, "r+");
    const at = firstSector * 512 + 64 * 1024;
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, at);
    byte[0]! ^= 1;
    writeSync(file, byte, 0, 1, at);
    closeSync(file);
    machine = await start(appliance);
    await machine.expect(/guest linux is not restored: what was saved is damaged/);
    machine.send("x");
    await machine.expect(prompt);
    t.regex(await operator("discard linux"), /it has no save any more/);
    machine.send("start linux\r");
    await machine.expect(shellPrompt);
    t.is((await shell(machine, "cat /tmp/kept 2>&1")).includes("before"), false);
  },
);
