import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { discard } from "../llvm/toolchain.ts";
import { campaign } from "./campaign.ts";
import { loadSubjects } from "./subject.ts";

const subjects = loadSubjects("compiler/fuzz/testing/planted.ts");

/** Each fault, the fewest actions that it takes, and what the last one is. */
const planted = [
  { name: "traps", kind: "trap", what: /planted\.ts:\d+: the guest has found it$/, actions: 3 },
  { name: "reads", kind: "memory", what: /global-buffer-overflow, READ of size 1/, actions: 3 },
  { name: "writes", kind: "memory", what: /global-buffer-overflow, WRITE of size 1/, actions: 3 },
  { name: "indexes", kind: "trap", what: /index of u\.table is outside its 8 elements$/, actions: 3 },
  { name: "loops", kind: "trap", what: /^loops took more than 65536 turns$/, actions: 3 },
  { name: "storms", kind: "trap", what: /timers expire again and again/, actions: 4 },
  { name: "differs", kind: "difference", what: /^opened is 3 in Node, 4 natively$/, actions: 3 },
  { name: "hides", kind: "trap", what: /the entry point has found it$/, actions: 4 },
] as const;

for (const { name, kind, what, actions } of planted)
  test.serial(
    `a fault that only a few accesses in order reach is found, made small and kept: ${name}`,
    async (t) => {
      const corpus = mkdtempSync(join(tmpdir(), "typevisor-corpus-"));
      t.teardown(() => discard(corpus));
      const subject = await subjects.open(name);
      // What only Node and native tell apart is found behind the fuzzer's inputs, so that more of those are no help.
      const runs = kind === "difference" ? 500_000 : 3_000_000;
      const { found } = await campaign(subject, { corpus, effort: { runs, seed: 1 }, tell: () => undefined });
      if (found === undefined) return t.fail("nothing was found");
      const { finding, lines, file, test: text } = found;
      t.log(lines);
      t.is(finding.kind, kind);
      t.regex(finding.what, what);
      // One access of four bytes may take the place of several of one.
      t.true(lines.length <= actions, `${lines.length} actions`);
      t.is(finding.step, lines.length - 1);
      t.deepEqual(
        readdirSync(corpus).map((kept) => join(corpus, kept)),
        [file],
      );
      t.is(readFileSync(file, "utf8"), `# ${finding.kind}: ${finding.what}\n${lines.join("\n")}\n`);
      t.is(text.split("\n").filter((line) => line.startsWith("    guest.")).length, lines.length);
      // What was kept is found again at once.
      const again = await campaign(await subjects.open(name), {
        corpus,
        effort: { runs: 1, seed: 2 },
        tell: () => undefined,
      });
      t.is(again.found?.file, file);
    },
  );
