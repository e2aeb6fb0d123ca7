/** What the CLI's commands do to the world, so that they can be tried without compiling or booting. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { boot, type BootOptions, type Machine } from "../../ci/qemu.ts";
import {
  copyOfVariables,
  ovmf,
  qemuArguments,
  qemuProgram,
  type MachineOptions,
} from "../../ci/qemu-arguments.ts";
import { buildImage, type BuildOptions, type BuildResult } from "../build.ts";
import { checkSource } from "../check.ts";
import { MachineFailure } from "../failure.ts";
import type { Kind } from "../scaffold/name.ts";
import { startNew, type Started } from "../scaffold/start.ts";
import { showTrace, type TraceOptions } from "../trace/command.ts";
import { watchSource } from "../watch.ts";
import { watchOnTerminal } from "./watch-terminal.ts";
import { control, type CtlOptions } from "./ctl.ts";
import { operatedTerminal } from "./operated-terminal.ts";
import { examineMachine, type Finding } from "./examine.ts";

/** The services behind the commands. */
export interface Services {
  build(options: BuildOptions): Promise<BuildResult>;
  /** Looks for errors in an image or a device, and gives its name. */
  check(file: string): string;
  /** Looks for errors with every edit, and tells them; does not end. */
  watch(file: string): Promise<never>;
  /** Writes the start of a device or an image. */
  start(kind: Kind, name: string): Started;
  /** Decodes a trace and prints it. */
  showTrace(file: string, options: TraceOptions): void;
  /** Boots a machine whose console the program reads. */
  boot(options: BootOptions): Promise<Machine>;
  /**
   * Boots a machine whose console is this terminal, and gives QEMU's exit status. `control`: the image has an operator,
   * whom programs ask by a socket of this path; null: it has none.
   */
  bootOnTerminal(options: MachineOptions, control: string | null): Promise<number>;
  /** Asks the operator's prompt of a running machine. */
  control(options: CtlOptions): Promise<void>;
  examine(): Promise<readonly Finding[]>;
  print(text: string): void;
  complain(text: string): void;
  /** Whether complaints may have colours. */
  readonly color: boolean;
}

// A reader that has seen enough (`| head`) ends the output, not the command.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

/** The services of a real run. */
export const realServices: Services = {
  build: buildImage,
  check: checkSource,
  showTrace: (file, options) => showTrace(file, options, (text) => void process.stdout.write(text)),
  watch: (file) => {
    watchSource(file, watchOnTerminal(file, process.stdout));
    return new Promise<never>(() => undefined);
  },
  start: (kind, name) => startNew(kind, name, process.cwd()),
  boot: async (options) => {
    requireEmulator();
    return boot(options);
  },
  bootOnTerminal,
  control: (options) => control(options, (text) => void process.stdout.write(text)),
  examine: examineMachine,
  print: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  color: process.stderr.isTTY && process.env["NO_COLOR"] === undefined,
};

function requireEmulator(): void {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const missing = [
    ...(folders.some((folder) => existsSync(join(folder, qemuProgram))) ? [] : ["qemu-system-x86"]),
    ...(existsSync(ovmf.code) && existsSync(ovmf.variables) ? [] : ["ovmf"]),
  ];
  if (missing.length > 0) {
    const fix = `sudo apt-get install --no-install-recommends ${missing.join(" ")}`;
    throw new MachineFailure(`QEMU or its UEFI firmware is not installed; run: ${fix}`);
  }
}

async function bootOnTerminal(options: MachineOptions, control: string | null): Promise<number> {
  requireEmulator();
  if (control !== null && process.stdin.isTTY && process.stdout.isTTY)
    return operatedTerminal(options, control);
  const variables = copyOfVariables();
  try {
    const args = qemuArguments(options, { console: ["-serial", "mon:stdio"], variables: variables.file });
    const child = spawn(qemuProgram, args, { stdio: "inherit" });
    // QEMU gets Ctrl-C as a character for the guest; a signal sent to this program ends both.
    const forward = (signal: NodeJS.Signals): boolean => child.kill(signal);
    process.on("SIGTERM", forward).on("SIGHUP", forward);
    try {
      return await new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code) => resolve(code ?? 1));
      });
    } finally {
      process.off("SIGTERM", forward).off("SIGHUP", forward);
    }
  } finally {
    variables.remove();
  }
}
