/** What every device of a catalogue is put through, in Node and natively. */
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestFn } from "ava";
import { campaign } from "../campaign.ts";
import { readCorpus } from "../corpus.ts";
import { randomAction, randomFrom } from "../random.ts";
import { replay } from "../replay.ts";
import { loadSubjects, type Subject, type TimerRecord } from "../subject.ts";
import { ActionWords } from "../../../dsl/testing/action-text.ts";
import type { Snapshot } from "../../../dsl/testing/attach.ts";
import type { Numbers } from "../../../dsl/testing/reach.ts";
import { discard } from "../../llvm/toolchain.ts";

/** A moment at which timers are armed: what leads there, how many, and in how many nanoseconds the first expires. */
interface Moment {
  readonly before: readonly Numbers[];
  readonly armed: number;
  readonly firstNs: bigint;
}

/** The moment in some inputs at which the most timers are armed, the last such; the end of the first input where none ever is. */
function whereMostIsPending(subject: Subject, inputs: readonly (readonly Numbers[])[]): Moment {
  const timers = subject.device.wires.filter((w) => w.kind === "timer").map((w) => w.name);
  let best: Moment = { before: inputs[0]!, armed: 0, firstNs: 0n };
  const look = (before: readonly Numbers[]): void => {
    const { state, timeNs } = subject.node.snapshot();
    const ends = timers.flatMap((name) => state[name] as unknown as TimerRecord | readonly TimerRecord[]);
    const left = ends.filter((e) => e.armed).map((e) => BigInt(e.deadlineNs) - BigInt(timeNs));
    if (left.length < Math.max(1, best.armed)) return;
    const firstNs = left.reduce((least, ns) => (ns < least ? ns : least));
    best = { before, armed: left.length, firstNs: firstNs < 0n ? 0n : firstNs };
  };
  if (timers.length === 0) return best;
  for (const input of inputs) {
    let done = 0;
    replay(subject, input, { after: () => look(input.slice(0, done++)) });
  }
  return best;
}

/**
 * Declares a test for each device of the file `catalogue`: at random and from its kept corpus it does natively what it
 * does in Node, goes on from a snapshot, and keeps to its own state.
 */
export function testCatalogue(test: TestFn, catalogue: string): void {
  const folder = dirname(catalogue);
  const subjects = loadSubjects(catalogue);
  for (const name of subjects.names)
    test.serial(
      `the ${name} does natively what it does in Node, goes on from a snapshot, and keeps to its own state`,
      async (t) => {
        const seed = Number(process.env["TYPEVISOR_SEED"] ?? 16550);
        t.log(`TYPEVISOR_SEED=${seed}`);
        const subject = await subjects.open(name);
        t.deepEqual(subject.undriven, []);
        const random = randomFrom(seed);
        const actions = Array.from({ length: 3000 }, () => randomAction(subject.harness.reach, random));
        t.is(replay(subject, actions), undefined, "at random");
        const words = new ActionWords(subject.device, subject.harness.reach);
        const kept = readCorpus(words, join(folder, "corpus", name));
        const cut = whereMostIsPending(subject, [actions.slice(0, 300), ...kept]);
        t.is(
          cut.armed > 0,
          subject.device.wires.some((w) => w.kind === "timer"),
          "an input of the corpus leaves a timer armed, where the device has one",
        );
        // The timer that is due first expires first, so that one which is lost or late is seen in what comes of it.
        const after = [words.parse(`advance ${cut.firstNs}`), ...actions.slice(300, 600)];
        for (const length of [1, after.length]) {
          const then = after.slice(0, length);
          t.is(replay(subject, [...cut.before, ...then]), undefined);
          const end = subject.node.snapshot();
          t.is(replay(subject, cut.before), undefined);
          const saved = [subject.node.snapshot(), subject.native.snapshot()].map((s) => JSON.stringify(s));
          const memory = subject.node.memory().slice();
          t.is(replay(subject, []), undefined, "both are back where they began");
          for (const [side, text] of [
            [subject.native, saved[0]!],
            [subject.node, saved[1]!],
          ] as const) {
            side.restore(JSON.parse(text) as Snapshot);
            side.memory().set(memory);
          }
          t.is(replay(subject, then, { goesOn: true }), undefined, "from a snapshot of the other side");
          t.deepEqual(subject.node.snapshot(), end, "as if it had not been saved");
        }
        // A copy: a finding is kept where the corpus is, and a test leaves the tree as it was.
        const corpus = mkdtempSync(join(tmpdir(), "typevisor-corpus-"));
        t.teardown(() => discard(corpus));
        cpSync(join(folder, "corpus", name), corpus, { recursive: true });
        const done = await campaign(subject, {
          corpus,
          effort: { runs: 20_000, seed: 1 },
          tell: () => undefined,
        });
        t.is(done.found, undefined, "from the kept corpus");
        t.log(`${done.inputs} inputs, ${done.edges} edges, ${done.compared} inputs compared`);
      },
    );
}
