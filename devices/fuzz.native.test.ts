import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { campaign } from "../compiler/fuzz/campaign.ts";
import { randomAction, randomFrom } from "../compiler/fuzz/random.ts";
import { replay } from "../compiler/fuzz/replay.ts";
import { loadSubjects } from "../compiler/fuzz/subject.ts";
import type { Snapshot } from "../dsl/testing/attach.ts";
import { discard } from "../compiler/llvm/toolchain.ts";

const folder = import.meta.dirname;
const subjects = loadSubjects(join(folder, "catalogue.ts"));

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
      const [before, after] = [actions.slice(0, 300), actions.slice(300, 600)];
      t.is(replay(subject, [...before, ...after]), undefined);
      const end = subject.node.state().slice();
      t.is(replay(subject, before), undefined);
      const saved = [subject.node.snapshot(), subject.native.snapshot()].map((s) => JSON.stringify(s));
      t.is(replay(subject, []), undefined, "both are back where they began");
      subject.native.restore(JSON.parse(saved[0]!) as Snapshot);
      subject.node.restore(JSON.parse(saved[1]!) as Snapshot);
      t.is(replay(subject, after, { goesOn: true }), undefined, "from a snapshot of the other side");
      t.deepEqual(subject.node.state(), end, "as if it had not been saved");
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
