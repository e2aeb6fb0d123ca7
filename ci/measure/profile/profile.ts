/** What the hypervisor executes for one operation of the guest, by function and instruction by instruction. */
import type { SourceFrame } from "../../../compiler/link/code-lines.ts";
import type { Sample } from "./sample.ts";

/** One executed instruction of the hypervisor. */
export interface ProfiledInstruction {
  /** Relative to the image. */
  readonly address: number;
  /** AT&T. */
  readonly text: string;
  /** The source that it comes from, and what that was inlined into. */
  readonly frames: readonly SourceFrame[];
}

/** What a function of the source executes by itself, wherever it was inlined. */
export interface ProfiledFunction {
  readonly symbol: string;
  readonly file: string;
  readonly instructions: number;
}

/** The cheapest of an operation's repetitions. */
export interface Profile {
  /** The figure's name: "exit.cpuid". */
  readonly operation: string;
  /** What the guest says that it costs. */
  readonly figure: number;
  /** What the counter advanced by in the repetition that is profiled. */
  readonly ticks: number;
  /** Instructions that the guest executed, those that exit included. */
  readonly guest: number;
  /** Instructions that the hypervisor executed. */
  readonly hypervisor: number;
  /** The largest first. */
  readonly functions: readonly ProfiledFunction[];
  /** From #VMEXIT to VMRUN, for each exit. */
  readonly exits: readonly (readonly ProfiledInstruction[])[];
}

/** What is known of code. */
export interface CodeKnowledge {
  /** Where the image is loaded. */
  readonly base: number;
  readonly text: ReadonlyMap<number, string>;
  readonly frames: ReadonlyMap<number, readonly SourceFrame[]>;
}

/** Code that is not the image's. */
const elsewhere: SourceFrame = { symbol: "outside the image", file: "", line: 0 };

/** The profile of a sample. */
export function profileOf(
  operation: string,
  figure: number,
  sample: Sample,
  { base, text, frames }: CodeKnowledge,
): Profile {
  const exits = sample.exits.map((exit) =>
    exit.map((absolute): ProfiledInstruction => {
      const address = absolute - base;
      return { address, text: text.get(address) ?? "", frames: frames.get(address) ?? [elsewhere] };
    }),
  );
  const functions = functionsOf(exits.flat());
  return {
    operation,
    figure,
    ticks: sample.ticks,
    guest: sample.guest,
    hypervisor: functions.reduce((sum, { instructions }) => sum + instructions, 0),
    functions,
    exits,
  };
}

function functionsOf(instructions: readonly ProfiledInstruction[]): ProfiledFunction[] {
  const found = new Map<string, ProfiledFunction>();
  for (const { frames } of instructions) {
    const { symbol, file } = frames[0];
    const before = found.get(symbol)?.instructions ?? 0;
    found.set(symbol, { symbol, file, instructions: before + 1 });
  }
  return [...found.values()].sort(
    (a, b) => b.instructions - a.instructions || (a.symbol < b.symbol ? -1 : 1),
  );
}
