import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import test, { type ExecutionContext } from "ava";
import { discard } from "../compiler/llvm/toolchain.ts";
import { repositoryRoot } from "../compiler/root.ts";
import { runFuzzCommand } from "./fuzz-command.ts";

async function run(...argv: readonly string[]): Promise<{ code: number; said: string; complained: string }> {
  const out = { said: "", complained: "" };
  const code = await runFuzzCommand(argv, {
    say: (text) => void (out.said += text),
    complain: (text) => void (out.complained += text),
  });
  return { code, ...out };
}

/** A project with one device, which is the tree's. */
function project(t: ExecutionContext): { catalogue: string; corpus: string } {
  mkdirSync(join(repositoryRoot, "out"), { recursive: true });
  const folder = mkdtempSync(join(repositoryRoot, "out/fuzz-"));
  t.teardown(() => discard(folder));
  const corpus = join(folder, "corpus/debugcon");
  mkdirSync(corpus, { recursive: true });
  const catalogue = join(folder, "catalogue.ts");
  const device = relative(folder, join(repositoryRoot, "devices/debugcon.ts"));
  writeFileSync(catalogue, `import { debugcon } from "${device}";\nexport const catalogue = { debugcon };\n`);
  return { catalogue, corpus };
}

test.serial("the list tells every device of the catalogue and what can be done to it", async (t) => {
  const { code, said } = await run("--list");
  t.is(code, 0);
  t.regex(said, /^uart16550 +8 places of registers, 0 pins, 1 sources, 0 entry points, 0 hypercalls, /m);
  t.regex(said, /^i8259 +\d+ places of registers, 16 pins, 0 sources, 2 entry points/m);
  t.regex(said, /^processor +\d+ places of registers, 0 pins, 0 sources, 3 entry points, 0 hypercalls, \d/m);
});

test.serial("what is not said, or is nobody's name, is asked for by name", async (t) => {
  t.deepEqual(await run(), {
    code: 1,
    said: "",
    complained: "error: which device? `npm run fuzz -- --list` tells what there is\n",
  });
  t.is((await run("debugcon")).complained, "error: how long? `--seconds 60`, or `--runs 100000` inputs\n");
  t.regex(
    (await run("debugcom", "--runs", "1")).complained,
    /there is no device debugcom in .*: there are acpi-pm, cfi-flash, debugcon, .*, processor\n/,
  );
  t.regex((await run("debugcon", "--seconds", "0")).complained, /it takes a whole number above 0/);
});

test.serial("a corrupted file of the corpus is told by its name and line, and kept as it is", async (t) => {
  const { catalogue, corpus } = project(t);
  const file = join(corpus, "reached.actions");
  const cases = [
    ["write data 0x41\nwrite dada 0x41\n", /reached\.actions:2: debugcon has no register `dada`/],
    ["write data 0x141\n", /reached\.actions:1: 0x141 does not fit 8 bits/],
    ["# nothing\n", /reached\.actions: there is no action in it/],
    ["jump 3\n", /reached\.actions:1: `jump` is no action: there are read, write, /],
    ["write data\n", /reached\.actions:1: `write` is followed by a register, a value: `write data`/],
    ["\0\u0001ELF", /reached\.actions:1: /],
  ] as const;
  for (const [text, complaint] of cases) {
    writeFileSync(file, text);
    const { code, complained } = await run("debugcon", "--runs", "1", "--catalogue", catalogue);
    t.is(code, 1, complained);
    t.regex(complained, complaint);
    t.is(readFileSync(file, "utf8"), text);
  }
});

test.serial(
  "with --keep the corpus is what reaches everything, and a run from it reaches as much",
  async (t) => {
    const { catalogue, corpus } = project(t);
    const first = await run("debugcon", "--runs", "20000", "--keep", "--catalogue", catalogue);
    t.is(first.code, 0, first.complained);
    const kept = readFileSync(join(corpus, "reached.actions"), "utf8");
    t.regex(kept, /^write \w+ 0x[0-9a-f]+$/m);
    const edges = (said: string): string | undefined => /(\d+) edges reached/.exec(said)?.[1];
    const second = await run("debugcon", "--runs", "1", "--catalogue", catalogue);
    t.is(edges(second.said), edges(first.said));
    t.is(readFileSync(join(corpus, "reached.actions"), "utf8"), kept);
  },
);
