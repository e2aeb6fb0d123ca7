/** Looks for what is wrong with one device: its kept corpus first, then what libFuzzer finds from there. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { ActionWords } from "../../dsl/testing/action-text.ts";
import { advanceBits, kinds, type Numbers, type Reach } from "../../dsl/testing/reach.ts";
import { discard } from "../llvm/toolchain.ts";
import { actionTexts, decode, encode, keepFinding, keepReached, readCorpus } from "./corpus.ts";
import { FuzzProgram, type Effort } from "./executable.ts";
import { randomAction, randomFrom } from "./random.ts";
import { replay, type Finding } from "./replay.ts";
import { shrink } from "./shrink.ts";
import type { Subject } from "./subject.ts";
import { testText } from "./test-text.ts";

/** Something that is wrong, as small as it could be made. */
export interface Found {
  readonly finding: Finding;
  /** The actions that lead there, as text. */
  readonly lines: readonly string[];
  /** The file of the corpus in which they are kept now. */
  readonly file: string;
  /** The same as a test in TypeScript. */
  readonly test: string;
}

/** What a campaign came to. */
export interface Campaign {
  /** Inputs that the fuzzer ran. */
  readonly inputs: number;
  readonly edges: number;
  /** Inputs that were compared in Node and natively, step by step. */
  readonly compared: number;
  readonly found: Found | undefined;
}

/** What to do. */
export interface Plan {
  /** The folder of the device's kept corpus. */
  readonly corpus: string;
  readonly effort: Effort;
  /** Keeps the inputs that are needed for all that was reached, in place of those that were kept before. */
  readonly keepsAll?: boolean;
  readonly tell: (line: string) => void;
}

/** How many variants of each input are compared in Node and natively besides it. */
const variantsEach = 4;

/** First inputs: each register is written and read, and everything else is done once. */
function* seeds(reach: Reach): Generator<readonly Numbers[]> {
  const action = { kind: 0, bytes: 0, target: 0, offset: 0, value: 0n };
  for (const [target, { bytes }] of reach.slots.entries()) {
    const write = { ...action, kind: kinds.write, bytes, target, value: (1n << BigInt(bytes * 8)) - 1n };
    yield [write, { ...action, bytes, target }, { ...write, value: 0n }];
  }
  for (let target = 0; target < reach.pins; target++)
    yield [1n, 0n].map((value) => ({ ...action, kind: kinds.input, target, value }));
  for (const target of reach.sources.keys()) yield [{ ...action, kind: kinds.send, target, value: 0x41n }];
  for (const target of reach.calls.keys()) yield [{ ...action, kind: kinds.call, target }];
  for (const target of reach.hypercalls.keys()) yield [{ ...action, kind: kinds.hypercall, target }];
}

/** An input with something else in the place of one of its actions: what it reaches may differ where nothing new is reached. */
function variant(
  reach: Reach,
  actions: readonly Numbers[],
  random: (below: number) => number,
): readonly Numbers[] {
  const at = random(Math.max(1, actions.length));
  const old = actions[at];
  const other = randomAction(reach, random);
  if (old === undefined || random(3) === 0) return [...actions.slice(0, at), other, ...actions.slice(at)];
  return actions.with(at, { ...old, value: fitting(old, other.value) });
}

/** A value cut to what an action takes. */
function fitting({ kind, bytes }: Numbers, value: bigint): bigint {
  if (kind === kinds.write || kind === kinds.writeAt || kind === kinds.memory)
    return BigInt.asUintN(bytes * 8, value);
  if (kind === kinds.send) return value & 0xffn;
  if (kind === kinds.input) return value & 1n;
  if (kind === kinds.advance) return BigInt.asUintN(advanceBits, value);
  return kind >= kinds.call ? value : 0n;
}

/** Whether two findings are the same fault: what differs between Node and native may show in many ways. */
const alike = (one: Finding | undefined, { kind, what }: Omit<Finding, "step">): boolean =>
  one?.kind === kind && (kind === "difference" || one.what === what);

/** Makes a finding small, keeps it, and writes its test. */
function settle(
  { subject, words, program, plan }: Work,
  actions: readonly Numbers[],
  crash: Omit<Finding, "step">,
): Found {
  const inProcess = alike(replay(subject, actions), crash);
  const holds = (some: readonly Numbers[]): boolean =>
    inProcess
      ? alike(replay(subject, some), crash)
      : program.run(encode(subject.harness.reach, some))?.what === crash.what;
  const small = shrink(actions, holds);
  const finding = (inProcess ? replay(subject, small) : undefined) ?? { ...crash, step: small.length - 1 };
  const lines = actionTexts(subject, words, small);
  return {
    finding,
    lines,
    file: keepFinding(plan.corpus, `${finding.kind}: ${finding.what}`, lines),
    test: testText(subject, words, small, finding),
  };
}

interface Work {
  readonly subject: Subject;
  readonly words: ActionWords;
  readonly program: FuzzProgram;
  readonly plan: Plan;
}

/**
 * Runs a campaign, until the first finding.
 * @throws InputFailure where a file of the corpus is no list of actions
 */
export async function campaign(subject: Subject, plan: Plan): Promise<Campaign> {
  const { reach } = subject.harness;
  const words = new ActionWords(subject.device, reach);
  const kept = readCorpus(words, plan.corpus);
  const folder = mkdtempSync(join(tmpdir(), "typevisor-fuzz-"));
  try {
    const program = new FuzzProgram(subject.checked(), folder);
    const inputs = join(folder, "inputs");
    mkdirSync(inputs);
    const first = [...kept, ...seeds(reach)];
    first.forEach((actions, i) => writeFileSync(join(inputs, `first-${i}`), encode(reach, actions)));
    const run = await program.fuzz(inputs, plan.effort, plan.tell);
    const work: Work = { subject, words, program, plan };
    const done = { inputs: run.inputs, edges: run.edges };
    if (run.crash !== undefined) {
      const from = dirname(program.crashPrefix);
      const crashed = readdirSync(from).find((name) => name.startsWith(basename(program.crashPrefix)));
      const bytes = crashed === undefined ? new Uint8Array() : readFileSync(join(from, crashed));
      return { ...done, compared: 0, found: settle(work, decode(reach, bytes), run.crash) };
    }
    const reached = readdirSync(inputs).map((name) => decode(reach, readFileSync(join(inputs, name))));
    const random = randomFrom(plan.effort.seed);
    const varied = Array.from({ length: variantsEach }, () =>
      reached.map((a) => variant(reach, a, random)),
    ).flat();
    const all = [...reached, ...varied];
    for (const [compared, actions] of all.entries()) {
      const finding = replay(subject, actions);
      if (finding !== undefined) return { ...done, compared, found: settle(work, actions, finding) };
    }
    if (plan.keepsAll === true) keepNeeded(work, inputs, join(folder, "needed"));
    return { ...done, compared: all.length, found: undefined };
  } finally {
    discard(folder);
  }
}

function keepNeeded({ subject, words, program, plan }: Work, inputs: string, needed: string): void {
  const { reach } = subject.harness;
  mkdirSync(needed);
  program.merge(inputs, needed);
  const kept = readdirSync(needed).map((name) => decode(reach, readFileSync(join(needed, name))));
  keepReached(
    plan.corpus,
    kept.filter((actions) => actions.length > 0).map((actions) => actionTexts(subject, words, actions)),
  );
}
