/**
 * A guest of ours makes all its attacks on a CPU that it shares with a Linux, which computes checksums. Time is counted in
 * instructions, so that the Linux's share of the CPU is a number and not a measurement.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import test from "ava";
import { stopSentences } from "../../kernel/notices.ts";
import { attacks } from "../../platforms/x86_64/bare-guest/attacks/attacks.ts";
import { reportCode } from "../../platforms/x86_64/bare-guest/attacks/run.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import { bootCounting, ticksEntry } from "../icount.ts";
import { payloadFolder, preparePayloads, writeInitramfs } from "../payloads.ts";
import type { Machine } from "../qemu.ts";
import { buildAppliance, type BuiltAppliance } from "./appliance.ts";

/** A counted run executes every instruction by itself: on a busy machine it takes minutes. */
const limit = { limitMs: 540_000 };
/** Zeros behind what is summed up: work that has no exits. */
const workBytes = 1_000_000;
/** Each sum depends on all that were before. */
const workload = `s=0; i=0; while :; do i=$((i+1)); s=$( (echo "$s $i"; head -c ${workBytes} /dev/zero) | md5sum | cut -c1-32); echo "<$i $s $(ticks)>"; done`;

let appliance: BuiltAppliance;
let machine: Machine;
/** What was said until the attacks began, while they were made, and afterwards. */
let [before, during, after] = ["", "", ""];

test.before(async () => {
  await preparePayloads();
  writeInitramfs(join(payloadFolder, "checksums-initramfs.gz"), {
    entries: [ticksEntry],
    startCommands: [workload],
  });
  prepareBareGuest();
  appliance = await buildAppliance("ci/boot/images/hostile-beside-linux.ts");
  machine = await bootCounting({ image: appliance.img, memoryMiB: 512 });
  await machine.expect(/guest hostile (ended|stopped)[^\n]*\n/, limit);
  await machine.expect(/(<[^<]*){4}>/, limit);
  const said = machine.console;
  const [begin, end] = [/guest hostile reports/, /guest hostile (ended|stopped)[^\n]*\n/].map((line) => {
    const found = line.exec(said);
    return found === null ? 0 : found.index + found[0].length;
  });
  [before, during, after] = [said.slice(0, begin), said.slice(begin, end), said.slice(end)];
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
});

/** What the guest answered, in order: an attack's name and outcome, or how it ended. */
function answers(): readonly string[] {
  const said = machine.console.matchAll(
    /guest hostile (?:reports 0x([0-9a-f]+): 0x([0-9a-f]+),|(restarts|ended|stopped): ([^\n]*))/g,
  );
  return [...said].flatMap(([, code, outcome, how, why]) => {
    if (how !== undefined) return [`${how}: ${why?.replace(/ at rip .*| \(.*/, "")}`];
    const number = Number(`0x${code}`);
    const attack = attacks[number - reportCode];
    if (attack !== undefined) return [`${attack.name}: ${BigInt(`0x${outcome}`)}`];
    return number >>> 16 === 0xdead ? [`exception ${number & 0xff} at 0x${outcome}`] : [];
  });
}

test.serial("each of the attacks gets the answer that is documented", (t) => {
  const expected = attacks.map(({ name, answer }, i) => {
    if (answer.reason === null) return `${name}: ${answer.outcome}`;
    const how = i === attacks.length - 1 ? "ended" : "restarts";
    return `${how}: ${stopSentences.find((s) => s.reason === answer.reason)?.text}`;
  });
  t.deepEqual(answers(), expected);
  t.true(attacks.length >= 40);
  t.false(machine.events.some(({ event }) => event === "RESET" || event === "SHUTDOWN"));
});

interface Sum {
  readonly number: number;
  readonly sum: string;
  readonly ticks: number;
}
/** The sums that Linux has told, with the hypervisor's notices taken out of its lines. */
function sums(text: string): readonly Sum[] {
  const linux = text.replaceAll(/\n?typevisor: [^\n]*\n/g, "");
  return [...linux.matchAll(/<(\d+) ([0-9a-f]{32}) (\d+)>/g)].map(([, number, sum, ticks]) => ({
    number: Number(number),
    sum: sum!,
    ticks: Number(ticks),
  }));
}

test.serial("the checksums of the Linux beside it are right, every one", (t) => {
  const told = sums(before + during + after);
  const zeros = Buffer.alloc(workBytes);
  let sum = "0";
  told.forEach((line, i) => {
    sum = createHash("md5")
      .update(`${sum} ${i + 1}\n`)
      .update(zeros)
      .digest("hex");
    t.deepEqual([line.number, line.sum], [i + 1, sum]);
  });
  t.true(sums(during).length > 20, `${sums(during).length} sums beside the attacks`);
});

test.serial("the Linux beside it gets its half of the CPU for every one of its sums, within a tenth", (t) => {
  const took = (told: readonly Sum[]): readonly number[] =>
    told.slice(1).map(({ ticks }, i) => ticks - told[i]!.ticks);
  const alone = Math.max(...took(sums(after)));
  const attacked = Math.max(...took(sums(during)));
  t.true(
    alone / attacked >= 0.9 * 0.5,
    `${alone} instructions alone, ${attacked} at most beside the attacks`,
  );
});
