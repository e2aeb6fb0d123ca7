/**
 * Follows a start from `efi_main` to the guest's first instruction. A debugger stops the machine where the image calls the
 * firmware, where it copies or fills memory, and where it enters the guest, and reads there how many instructions were
 * executed: the emulator records the run, and so knows. The time-stamp counter would not do, since time goes on to the
 * next timer when a debugger stops the machine. The timers' interrupts are for the firmware, and kept out of the image.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { disassemble, imageBase, sourceFrames } from "../../../compiler/link/code-lines.ts";
import { Debugger, type Stop } from "../../debugger.ts";
import { boot, type Machine } from "../../qemu.ts";
import { imageHeader, loadedAt } from "./loaded-image.ts";

/** What is copied or filled at one place of the source. */
export interface BlockOperation {
  /** The functions whose source it is, innermost first: a function, and those it was inlined into. */
  readonly by: readonly string[];
  readonly bytes: number;
  /** One for each element, as the emulator counts a repeated string instruction. */
  readonly instructions: number;
}

/** One start. */
export interface StartRecord {
  /** From `efi_main` to VMRUN, everything included. */
  readonly instructions: number;
  /** Those of them that the firmware executed when it was called. */
  readonly firmware: number;
  readonly blocks: readonly BlockOperation[];
}

/** The files of an image that was built with lines. */
export interface StartedImage {
  readonly img: string;
  readonly efi: string;
  readonly withLines: string;
}

/** A counted run on a busy machine takes minutes. */
const limit = { limitMs: 1_200_000 };
const memoryMiB = 1024;
/** The hypervisor's word about its guest, shortly before it enters it, and with a line of the guest itself. */
const started = /^typevisor: guest .*\n/m;
const speaking = /^typevisor: guest .*\n.+\n/m;

/** Boots an image to its first guest and finds where the firmware has put it. */
export async function findImage({ img, efi }: StartedImage, folder: string): Promise<number> {
  const machine = await boot({ image: img, memoryMiB });
  const memory = join(folder, "memory");
  try {
    await machine.expect(started, limit);
    await machine.qmp("pmemsave", { val: 0, size: memoryMiB << 20, filename: memory });
    return loadedAt(readFileSync(memory), readFileSync(efi));
  } finally {
    rmSync(memory, { force: true });
    await machine.kill();
  }
}

/** Boots an image, loaded at an address, and records its start. */
export async function recordStart(image: StartedImage, base: number, folder: string): Promise<StartRecord> {
  const debug = new Debugger(join(folder, "debugger"));
  await debug.ready();
  const recorded = ["-icount", `rr=record,rrfile=${join(folder, "recorded")}`];
  const machine = await boot({
    image: image.img,
    memoryMiB,
    deterministic: true,
    extra: [...debug.arguments, ...recorded],
  });
  try {
    const recording = new Recording({ debug, machine, file: image.withLines, base }).record();
    // A start that the debugger does not see would be waited for in vain.
    const missed = machine.expect(speaking, limit).then(() => {
      throw new Error("the guest was started, and the debugger did not see how");
    });
    recording.catch(() => undefined);
    missed.catch(() => undefined);
    return await Promise.race([recording, missed]);
  } finally {
    debug.close();
    await machine.kill();
  }
}

/** Bytes of an element of a string instruction, by the last letter of its name. */
const elementBytes: Readonly<Record<string, number>> = { b: 1, w: 2, l: 4, q: 8 };

/** A block operation as it is collected. */
interface Block {
  bytes: number;
  instructions: number;
}

interface Recorded {
  readonly debug: Debugger;
  readonly machine: Machine;
  /** The image with lines. */
  readonly file: string;
  readonly base: number;
}

class Recording {
  private readonly text: ReadonlyMap<number, string>;
  private readonly entry: number;
  private readonly end: number;
  private readonly blocks = new Map<number, Block>();

  constructor(private readonly of: Recorded) {
    const bytes = readFileSync(of.file);
    const header = imageHeader(bytes);
    if (header === undefined) throw new Error("what was built is no UEFI application");
    this.entry = of.base + header.entry;
    this.text = disassemble(of.file, imageBase(bytes));
    this.end = of.base + Math.max(...this.text.keys());
  }

  async record(): Promise<StartRecord> {
    const [calls, blocks, entries] = [/^(callq|jmpq) \*/, /^rep /, /^vmrun/].map((kind) => this.places(kind));
    const first = await this.runTo([this.entry]);
    let firmware = 0;
    for (;;) {
      const stop = await this.runTo([...calls, ...blocks, ...entries]);
      if (entries.includes(stop.at))
        return { instructions: stop.executed - first.executed, firmware, blocks: this.named() };
      if (calls.includes(stop.at)) firmware += await this.call(stop.executed);
      else await this.block(stop);
    }
  }

  /** Addresses of instructions. */
  private places(kind: RegExp): number[] {
    return [...this.text].flatMap(([at, instruction]) => (kind.test(instruction) ? [this.of.base + at] : []));
  }

  /** Lets the machine run to one of some addresses, and tells how many instructions it has then executed. */
  private async runTo(addresses: readonly number[]): Promise<Stop & { readonly executed: number }> {
    const stop = await this.of.debug.runTo(addresses);
    await this.of.debug.maskInterrupts();
    return { ...stop, executed: await this.executed() };
  }

  private async executed(): Promise<number> {
    return instructionCount(await this.of.machine.monitor("info replay"));
  }

  /** Instructions that a call takes outside the image, without the call. */
  private async call(before: number): Promise<number> {
    const { debug, base } = this.of;
    const { at, stack } = await debug.step();
    if (at >= base && at <= this.end) return 0;
    const { executed } = await this.runTo([Number(await debug.word(stack))]);
    return executed - before - 1;
  }

  private async block({ at, count, stack, executed: before }: Stop & { executed: number }): Promise<void> {
    const { debug, base, file } = this.of;
    const instruction = this.text.get(at - base) ?? "";
    const size = elementBytes[/^rep \w+?([bwlq])\b/.exec(instruction)?.[1] ?? ""];
    const next = [...this.text.keys()].find((later) => later > at - base);
    if (size === undefined || next === undefined)
      throw new Error(`"${instruction}" is no string instruction that is known here`);
    const helper = sourceFrames(file, [at - base])
      .get(at - base)
      ?.every((frame) => frame.file === "");
    // What the compiler adds has its return address on top of the stack.
    const place = helper === true ? Number(await debug.word(stack)) - 1 : at;
    const { executed } = await this.runTo([base + next]);
    const block = this.blocks.get(place) ?? { bytes: 0, instructions: 0 };
    block.bytes += size * count;
    block.instructions += executed - before;
    this.blocks.set(place, block);
  }

  private named(): BlockOperation[] {
    const places = [...this.blocks.keys()].map((at) => at - this.of.base);
    const frames = sourceFrames(this.of.file, places);
    return [...this.blocks].map(([at, block]) => ({
      by: (frames.get(at - this.of.base) ?? []).map(({ symbol }) => symbol),
      ...block,
    }));
  }
}

/** The number in what the emulator's monitor says of a run that it records. */
export function instructionCount(answer: string): number {
  const found = /instruction count = (\d+)/.exec(answer);
  if (found === null) throw new Error(`the emulator's monitor says of the recorded run: ${answer.trim()}`);
  return Number(found[1]);
}
