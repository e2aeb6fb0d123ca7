/** The command line: its commands, options and help. What the commands do is behind {@link Services}. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import packageDescription from "../../package.json" with { type: "json" };
import type { BuildResult } from "../build.ts";
import { InputFailure } from "../failure.ts";
import type { Started } from "../scaffold/start.ts";
import { exitCode, exitCodeHelp, tellFailure, type ExitCode } from "./exit-code.ts";
import type { TraceOptions } from "../trace/command.ts";
import { controlSocketName, runBuiltImage } from "./run-image.ts";
import type { Services } from "./services.ts";

interface BuildFlags {
  readonly out: string;
  readonly debug: boolean;
}

interface CtlFlags {
  readonly out: string;
  readonly json: boolean;
}

interface RunFlags extends BuildFlags {
  readonly headless: boolean;
  readonly expect: readonly string[];
  readonly timeout?: number;
  readonly cpus?: number;
}

/** Carries out a command line (without "node" and the script) and gives its exit code. */
export async function runCommandLine(argv: readonly string[], services: Services): Promise<ExitCode> {
  const cut = argv.indexOf("--");
  const own = cut < 0 ? argv : argv.slice(0, cut);
  const qemuArguments = cut < 0 ? [] : argv.slice(cut + 1);
  const state: { code: ExitCode } = { code: exitCode.fine };
  const program = makeProgram(services, qemuArguments, state);
  try {
    await program.parseAsync([...own], { from: "user" });
    return state.code;
  } catch (error) {
    // commander has said what is wrong; asking for help or the version ends with its status 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.fine : exitCode.input;
    const told = tellFailure(error, services.color);
    services.complain(told.text);
    return told.code;
  }
}

function makeProgram(
  services: Services,
  qemuArguments: readonly string[],
  state: { code: ExitCode },
): Command {
  const program = configured(new Command("typevisor"), services)
    .description("Builds and boots appliances of Typevisor, a type-1 hypervisor written in TypeScript.")
    .showHelpAfterError("(typevisor --help tells the commands and options)");
  const command = (name: string, description: string): Command =>
    configured(program.command(name), services).description(description);

  buildOptions(
    command("build", "builds an image: OUT/NAME/NAME.efi, NAME.img, report.json and report.html"),
  ).action(async (image: string, flags: BuildFlags) => {
    refuseExtra("build", qemuArguments);
    const built = await services.build({ image: existing(image), ...flags });
    tellBuild(built, services);
    tellLedger(built.report.ledger.byFeature, services);
  });

  buildOptions(command("run", "builds an image and boots it in QEMU, the guest's console on the terminal"))
    .option("--headless", "only show the console: what is typed does not reach it", false)
    .option(
      "--expect <TEXT>",
      "end well once the console says TEXT (may be repeated; implies --headless)",
      collect,
      [],
    )
    .option("--timeout <S>", "end the machine after S seconds (240 with --expect)", seconds)
    .option("--cpus <N>", "CPUs of the machine, 1 to 64 (as many as the image uses, at most 8)", cpus)
    .usage("[options] <IMAGE.ts> [-- QEMU ARGUMENTS]")
    .action(async (image: string, flags: RunFlags) => {
      const { out, debug, headless, expect, timeout, cpus } = flags;
      if (timeout !== undefined && !headless && expect.length === 0) {
        throw new InputFailure("--timeout needs --headless or --expect: on a terminal, Ctrl-A X leaves");
      }
      const built = await services.build({ image: existing(image), out, debug });
      tellBuild(built, services);
      const given = {
        ...(timeout === undefined ? {} : { timeoutSeconds: timeout }),
        ...(cpus === undefined ? {} : { cpus }),
      };
      await runBuiltImage(built, { headless, expect, ...given, qemuArguments }, services);
    });

  command("check", "looks for errors in an image or a device and writes nothing")
    .argument("<FILE.ts>", "the image's source, or a file that exports devices")
    .option("--watch", "check again with every edit, until Ctrl-C", false)
    .action(async (file: string, { watch }: { readonly watch: boolean }) => {
      refuseExtra("check", qemuArguments);
      if (watch) {
        if (!existsSync(file)) throw new InputFailure(`there is no file ${file}`);
        await services.watch(file);
        return;
      }
      services.print(`${services.check(file)}: no errors\n`);
    });

  command("new", "writes the start of a device or an image, with its test, into the project around")
    .argument("<KIND>", "device or image")
    .argument("<NAME>", "its name: lower-case words with dashes between")
    .action((kind: string, name: string) => {
      refuseExtra("new", qemuArguments);
      if (kind !== "device" && kind !== "image")
        throw new InputFailure(`typevisor new starts a device or an image, not "${kind}"`);
      tellStart(services.start(kind, name), services);
    });

  command("trace", "decodes a trace that a machine has written")
    .argument("<FILE>", "what QEMU's -debugcon file:FILE has kept")
    .requiredOption("--image <IMAGE>", "the image's source, or the trace.json that its build has left")
    .option("--device <NAME>", "only events of this device: com1, or linux/com1")
    .option("--register <NAME>", "only events of this register, piece of state, wire or call: lcr, rx.count")
    .option("--kind <KIND>", "only events of this kind: read, write, change, line, ...")
    .option("--counts", "how often each register was read, written and changed", false)
    .option("--chrome <FILE>", "write the events in Chrome's trace-event format")
    .action((file: string, flags: TraceOptions) => {
      refuseExtra("trace", qemuArguments);
      services.showTrace(file, flags);
    });

  command("ctl", "asks the operator's prompt of a machine that runs; without a command, line by line")
    .argument(
      "<MACHINE>",
      "the image's name, which typevisor run has started; or the socket of a machine's serial line",
    )
    .argument(
      "[COMMAND...]",
      "what to ask: list, inspect GUEST, stop GUEST, follow, ...; help is at the prompt itself",
    )
    .option("--out <DIR>", "the folder that has received NAME/", "out")
    .option("--json", "print the records as they are", false)
    .action(async (machine: string, words: readonly string[], flags: CtlFlags) => {
      refuseExtra("ctl", qemuArguments);
      const socket = machine.includes("/") ? machine : join(flags.out, machine, controlSocketName);
      await services.control({ socket, command: words, json: flags.json });
    });

  command("doctor", "tells what is installed, what is missing, and what to do").action(async () => {
    refuseExtra("doctor", qemuArguments);
    state.code = await tellHealth(services);
  });
  return program;
}

/** Options that every command has. */
function configured(command: Command, services: Services): Command {
  return command
    .version(packageDescription.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .allowExcessArguments(false)
    .addHelpText("after", exitCodeHelp)
    .configureOutput({ writeOut: services.print, writeErr: services.complain })
    .exitOverride();
}

function buildOptions(command: Command): Command {
  return command
    .argument("<IMAGE.ts>", "the image's source")
    .option("--out <DIR>", "the folder that receives NAME/", "out")
    .option("--debug", "keep every line and local variable for gdb", false);
}

function existing(image: string): string {
  if (!existsSync(image)) throw new InputFailure(`there is no image ${image}`);
  return image;
}

function refuseExtra(command: string, extra: readonly string[]): void {
  if (extra.length > 0)
    throw new InputFailure(`${command} passes nothing on to QEMU; only run takes arguments after --`);
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 2_000_000))
    throw new InvalidArgumentError("it is a number of seconds above 0.");
  return value;
}

function cpus(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 64)
    throw new InvalidArgumentError("it is a number of CPUs from 1 to 64.");
  return value;
}

/** What was written, and what to do with it next. */
function tellStart({ project, written, changed }: Started, services: Services): void {
  const shown = (path: string): string => relative(process.cwd(), join(project, path));
  for (const path of written) services.print(`wrote ${shown(path)}\n`);
  for (const path of changed) services.print(`changed ${shown(path)}\n`);
  services.print(`next: typevisor check ${shown(written[0] ?? "")}\n`);
}

function tellBuild(built: BuildResult, services: Services): void {
  const { report } = built;
  const sizes =
    `${report.hypervisorBytes.toLocaleString("en-US")} B hypervisor, ` +
    `${report.payloadBytes.toLocaleString("en-US")} B payloads`;
  services.print(`${built.name}: ${sizes}\n`);
  for (const file of [built.efi, built.img]) services.print(`  ${file}\n`);
}

/** The hypervisor's bytes by feature, the largest first; the report has them by source file too. */
function tellLedger(byFeature: Readonly<Record<string, number>>, services: Services): void {
  const rows = Object.entries(byFeature)
    .sort(([a, bytesOfA], [b, bytesOfB]) => bytesOfB - bytesOfA || (a < b ? -1 : 1))
    .map(([feature, bytes]) => [bytes.toLocaleString("en-US"), feature] as const);
  const width = Math.max(0, ...rows.map(([bytes]) => bytes.length));
  for (const [bytes, feature] of rows) services.print(`  ${bytes.padStart(width)} B  ${feature}\n`);
}

async function tellHealth(services: Services): Promise<ExitCode> {
  const findings = await services.examine();
  for (const { what, reason, remedy } of findings) {
    services.print(`${remedy === undefined ? "✔" : "✘"} ${what.padEnd(18)} ${reason}\n`);
    if (remedy !== undefined) services.print(`    ${remedy}\n`);
  }
  const missing = findings.filter((finding) => finding.remedy !== undefined).length;
  services.print(
    missing === 0
      ? "\nNothing is missing.\n"
      : `\n${missing} missing; \`npm run setup\` as root brings all.\n`,
  );
  return missing === 0 ? exitCode.fine : exitCode.machine;
}
