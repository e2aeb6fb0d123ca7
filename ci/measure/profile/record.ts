/**
 * Records what is executed while the guest measures one operation, and profiles its cheapest repetition.
 *
 * The machine counts instructions as in every measurement. The guest waits for the operation's letter, so that the log is
 * of that operation alone; the moment at which the letter arrives is chance, but what the operation costs is not.
 */
import { execFileSync } from "node:child_process";
import { createReadStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildImage } from "../../../compiler/build.ts";
import { disassemble, imageBase, sourceFrames } from "../../../compiler/link/code-lines.ts";
import { repositoryRoot } from "../../../compiler/root.ts";
import { measuredNames } from "../../../platforms/x86_64/bare-guest/measure.ts";
import { firstOperation } from "../../../platforms/x86_64/bare-guest/program.ts";
import { prepareBareGuest } from "../../bare-guest/build.ts";
import { countingArguments, countingCpu } from "../../qemu-arguments.ts";
import { boot, type Machine } from "../../qemu.ts";
import { GarbledConsole, readConsole } from "../readings.ts";
import { loadAddress } from "./load-address.ts";
import { ExecutionLog, type Executed } from "./log.ts";
import { guestReadsCounter } from "./payload-code.ts";
import { profileOf, type CodeKnowledge, type Profile } from "./profile.ts";
import { entriesOf, leastOf, samplesOf } from "./sample.ts";

/** A boot on a busy machine takes minutes. */
const limit = { limitMs: 1_200_000 };
/** Some repetitions of an operation that waits long, all of any other. */
const mostExecuted = 4_000_000;
const image = join(repositoryRoot, "ci/boot/images/bare-guest.ts");

/** Boots the payload and profiles operations, by their full names, in the order in which it measures them. */
export async function recordProfiles(asked: readonly string[]): Promise<Profile[]> {
  // The guest does not leave x2APIC mode any more.
  const operations = measuredNames.filter((name) => asked.includes(name));
  const folder = mkdtempSync(join(tmpdir(), "typevisor-profile-"));
  try {
    const { elf } = prepareBareGuest();
    const built = await buildImage({ image, out: folder, debug: false, lines: true });
    if (built.withLines === undefined) throw new Error(`${image} left no image with lines`);
    const code = new ImageCode(built.withLines);
    const readsCounter = guestReadsCounter(readFileSync(elf));
    const machine = await boot({
      image: built.img,
      memoryMiB: 512,
      cpu: countingCpu("max"),
      extra: countingArguments,
    });
    try {
      const profiles: Profile[] = [];
      for (const operation of operations) {
        const { figure, executed } = await record(machine, operation, join(folder, operation));
        const sample = leastOf(samplesOf(executed, readsCounter));
        if (sample === undefined)
          throw new Error(`${operation} is not measured between two readings of the counter`);
        profiles.push(profileOf(operation, figure, sample, code.knowledge(executed, sample.exits.flat())));
      }
      return profiles;
    } finally {
      await machine.kill();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Recording {
  /** What the guest says. */
  readonly figure: number;
  readonly executed: readonly Executed[];
}

/** Lets the guest measure one operation while the emulator logs into a pipe. */
async function record(machine: Machine, operation: string, pipe: string): Promise<Recording> {
  await machine.expect(/^ready\n/m, limit);
  execFileSync("mkfifo", [pipe]);
  const collected = collect(pipe, () => void machine.monitor("log none"));
  for (const line of [`logfile ${pipe}`, "singlestep on", "log exec,nochain"]) {
    const answer = await machine.monitor(line);
    if (answer.trim() !== "") throw new Error(`the emulator's monitor says to "${line}": ${answer.trim()}`);
  }
  machine.send(`o${String.fromCharCode(firstOperation + measuredNames.indexOf(operation))}`);
  const { before } = await machine.expect(/^measured\n/m, limit);
  // Closing the pipe ends the log.
  for (const line of ["log none", "singlestep off", "logfile /dev/null"]) await machine.monitor(line);
  const { readings, absent } = readConsole(`${before}\nmeasured\n`, [operation]);
  const [reading] = readings;
  if (reading === undefined) throw new GarbledConsole(`${operation} is left out: ${absent.get(operation)}`);
  return { figure: reading.least, executed: await collected };
}

/** What a log says to its end; `stop` is called once it says more than is kept. */
async function collect(pipe: string, stop: () => void): Promise<readonly Executed[]> {
  const log = new ExecutionLog();
  let enough = false;
  for await (const line of createInterface({ input: createReadStream(pipe) })) {
    if (enough) continue;
    log.line(line);
    enough = log.executed.length >= mostExecuted;
    if (enough) stop();
  }
  return log.executed;
}

/** The code of an image, as its file with lines tells it. */
class ImageCode {
  readonly #text: ReadonlyMap<number, string>;

  constructor(private readonly file: string) {
    this.#text = disassemble(file, imageBase(readFileSync(file)));
  }

  /** What is known of the code at some absolute addresses. */
  knowledge(executed: readonly Executed[], addresses: readonly number[]): CodeKnowledge {
    const base = loadAddress(entriesOf(executed), this.#text);
    const inside = [...new Set(addresses)].map((at) => at - base).filter((at) => this.#text.has(at));
    return { base, text: this.#text, frames: sourceFrames(this.file, inside) };
  }
}
