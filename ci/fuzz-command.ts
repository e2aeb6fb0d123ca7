/** The command line of `npm run fuzz`. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { exitCode, tellFailure, type ExitCode } from "../compiler/cli/exit-code.ts";
import { InputFailure, MachineFailure } from "../compiler/failure.ts";
import { campaign, type Found } from "../compiler/fuzz/campaign.ts";
import { loadSubjects, type Subjects } from "../compiler/fuzz/subject.ts";
import { ToolError } from "../compiler/llvm/toolchain.ts";

interface Flags {
  readonly seconds?: number;
  readonly runs?: number;
  readonly seed: number;
  readonly keep: boolean;
  readonly list: boolean;
  readonly catalogue?: string;
}

/** Where what is fuzzed stands, unless the command says otherwise: the devices, and the processor's own table. */
const catalogues: readonly string[] = ["devices/catalogue.ts", "platforms/x86_64/svm/catalogue.ts"];

/** Where a command's text goes. */
export interface Screen {
  say(text: string): void;
  complain(text: string): void;
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError("it takes a whole number above 0");
  return Number(text);
}

function makeProgram(
  screen: Screen,
  act: (name: string | undefined, flags: Flags) => Promise<void>,
): Command {
  return new Command("fuzz")
    .description("Looks for what is wrong with a device, guided by the code that inputs reach.")
    .argument("[name]", "a device of the catalogue, or processor")
    .addOption(new Option("--seconds <n>", "how long").argParser(positive).conflicts("runs"))
    .addOption(new Option("--runs <n>", "how many inputs").argParser(positive))
    .addOption(
      new Option("--seed <n>", "what the fuzzer's choices follow from").argParser(positive).default(1),
    )
    .option(
      "--keep",
      "keep the inputs that are needed for all that was reached, in place of those kept before",
      false,
    )
    .option("--list", "tell the devices and what can be done to them", false)
    .option("--catalogue <file>", "another file that exports devices as `catalogue`")
    .exitOverride()
    .configureOutput({ writeOut: (text) => screen.say(text), writeErr: (text) => screen.complain(text) })
    .action(act);
}

/** The folder of a device's kept corpus: beside the catalogue. */
const corpusOf = (catalogue: string, name: string): string => join(dirname(catalogue), "corpus", name);

function report({ finding, lines, file, test }: Found): string {
  return [
    "",
    `found: ${finding.kind}: ${finding.what}`,
    "",
    ...lines.map((line, i) => `  ${i === finding.step ? "→" : " "} ${line}`),
    "",
    `kept as ${file}; as a test:`,
    "",
    test,
  ].join("\n");
}

const cataloguesOf = ({ catalogue }: Flags): readonly string[] =>
  catalogue === undefined ? catalogues : [catalogue];

function list(flags: Flags, screen: Screen): void {
  for (const catalogue of cataloguesOf(flags)) {
    const subjects = loadSubjects(catalogue);
    for (const name of subjects.names) {
      const { reach, undriven } = subjects.describe(name);
      const folder = corpusOf(catalogue, name);
      const counts = [
        `${reach.slots.length} places of registers`,
        `${reach.pins} pins`,
        `${reach.sources.length} sources`,
        `${reach.calls.length} entry points`,
        `${reach.hypercalls.length} hypercalls`,
        existsSync(folder) ? `${readdirSync(folder).length} files of corpus` : "no corpus",
      ];
      const missing = undriven.length === 0 ? "" : `; not driven: ${undriven.join(", ")}`;
      screen.say(`${name.padEnd(25)}${counts.join(", ")}${missing}\n`);
    }
  }
}

/** The catalogue that has a name. Throws InputFailure where none has. */
function find(name: string, flags: Flags): { readonly catalogue: string; readonly subjects: Subjects } {
  const there: string[] = [];
  for (const catalogue of cataloguesOf(flags)) {
    const subjects = loadSubjects(catalogue);
    if (subjects.names.includes(name)) return { catalogue, subjects };
    there.push(...subjects.names);
  }
  throw new InputFailure(
    `there is no device ${name} in ${cataloguesOf(flags).join(" or ")}: there are ${there.join(", ")}`,
  );
}

async function fuzz(name: string, flags: Flags, screen: Screen): Promise<ExitCode> {
  const { catalogue, subjects } = find(name, flags);
  const subject = await subjects.open(name);
  for (const call of subject.undriven)
    screen.say(`not driven: ${call}, which takes something other than up to three integers and booleans\n`);
  const effort = {
    seed: flags.seed,
    ...(flags.seconds !== undefined && { seconds: flags.seconds }),
    ...(flags.runs !== undefined && { runs: flags.runs }),
  };
  const done = await campaign(subject, {
    corpus: corpusOf(catalogue, name),
    effort,
    keepsAll: flags.keep,
    tell: (line) => {
      if (/^#\d+\s+(pulse|INITED|DONE)/.test(line)) screen.say(`${line.replace(/\s+/g, " ")}\n`);
    },
  });
  screen.say(
    `${done.inputs} inputs, ${done.edges} edges reached; ${done.compared} inputs compared in Node and natively, seed ${flags.seed}\n`,
  );
  if (done.found === undefined) return exitCode.fine;
  screen.say(report({ ...done.found, file: relative(process.cwd(), done.found.file) }));
  return exitCode.input;
}

/** Carries out a command line and gives the exit code: 1 where something is wrong with the device, or with the command. */
export async function runFuzzCommand(argv: readonly string[], screen: Screen): Promise<ExitCode> {
  let code: ExitCode = exitCode.fine;
  const program = makeProgram(screen, async (name, flags) => {
    if (flags.list) {
      list(flags, screen);
      return;
    }
    if (name === undefined)
      throw new InputFailure("which device? `npm run fuzz -- --list` tells what there is");
    if (flags.seconds === undefined && flags.runs === undefined)
      throw new InputFailure("how long? `--seconds 60`, or `--runs 100000` inputs");
    code = await fuzz(name, flags, screen);
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.fine : exitCode.input;
    const missing = error instanceof ToolError && error.missing;
    const told = tellFailure(
      missing ? new MachineFailure(`${error.message}: \`npm run setup\` installs it`) : error,
    );
    screen.complain(told.text);
    return told.code;
  }
}
