/**
 * Boots a machine under QEMU and talks to its serial console: the harness of every boot test.
 *
 * There is no sleeping and no polling: `expect` waits for text with a generous limit and fails with the console's tail.
 * A machine never outlives the process that booted it (`setpriv --pdeathsig`), and only that one process is ended.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ConsoleMismatch,
  ConsoleText,
  defaultLimitMs,
  type ConsoleMatch,
  type ExpectOptions,
} from "./console.ts";
import {
  copyOfVariables,
  qemuArguments,
  qemuProgram,
  usesOvmf,
  type MachineOptions,
} from "./qemu-arguments.ts";
import { followFile } from "./follow-file.ts";
import { Qmp, type QmpEvent } from "./qmp.ts";

/** How a QEMU process ended: its exit status, or the signal that ended it. */
export interface MachineEnd {
  readonly status: number | undefined;
  readonly signal: string | undefined;
}

/** A machine to boot, and who listens. */
export interface BootOptions extends MachineOptions {
  /** Gets the serial console's output as it arrives, as it is. */
  readonly onConsole?: (chunk: Buffer) => void;
}

/** A machine that runs under QEMU. */
export interface Machine {
  /** QEMU's process. */
  readonly pid: number;
  /** Everything that the serial console has said so far, without carriage returns and control sequences. */
  readonly console: string;
  /** What QEMU itself has complained about so far. */
  readonly complaints: string;
  /** The events that QEMU has reported so far (`SHUTDOWN`, `RESET`, …). */
  readonly events: readonly QmpEvent[];
  /** Waits until the console says the pattern after the previous match. */
  expect(pattern: string | RegExp, options?: ExpectOptions): Promise<ConsoleMatch>;
  /** Types on the serial console; a deterministic run takes no input. */
  send(text: string | Uint8Array): void;
  /** Executes a line of QEMU's human monitor and gives what it prints. */
  monitor(line: string): Promise<string>;
  /** Executes a QMP command and gives its result. */
  qmp(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Waits until the machine ends by itself, which it must within the limit. */
  exit(options?: ExpectOptions): Promise<MachineEnd>;
  /** Ends the machine now, if it still runs, and waits until it is gone. */
  kill(): Promise<MachineEnd>;
}

/** Boots a machine; its serial console is the one that `expect` reads and `send` types on. */
export async function boot(options: BootOptions): Promise<Machine> {
  for (const file of [options.image, options.kernel, options.initrd]) {
    if (file !== undefined && !existsSync(file)) throw new Error(`there is no file ${file} to boot from`);
  }
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  const variables = usesOvmf(options) ? copyOfVariables() : undefined;
  const qmp = new Qmp(join(folder, "qmp"));
  await qmp.ready();
  const log = options.deterministic === true ? join(folder, "console") : undefined;
  if (log !== undefined) writeFileSync(log, "");
  const backend = log === undefined ? "stdio,id=console,signal=off" : `file,id=console,path=${log}`;
  const console = ["-chardev", backend, "-serial", "chardev:console", ...qmp.arguments];
  const args = qemuArguments(options, {
    console,
    ...(variables === undefined ? {} : { variables: variables.file }),
  });
  const child = spawn("setpriv", ["--pdeathsig", "KILL", qemuProgram, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new QemuMachine(child, { qmp, folder, log, variables, onConsole: options.onConsole });
}

/** What a run has beside its process. */
interface Surroundings {
  readonly qmp: Qmp;
  readonly folder: string;
  /** The file that the console is written to, where the guest must not feel how fast it is read. */
  readonly log: string | undefined;
  readonly variables: { remove(): void } | undefined;
  readonly onConsole: ((chunk: Buffer) => void) | undefined;
}

class QemuMachine implements Machine {
  complaints = "";
  private readonly text = new ConsoleText();
  private readonly ended: Promise<MachineEnd>;
  private readonly link: Qmp;
  private readonly typed: boolean;

  constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    { qmp, folder, log, variables, onConsole }: Surroundings,
  ) {
    this.link = qmp;
    this.typed = log === undefined;
    const hear = (chunk: Buffer): void => {
      this.text.push(chunk);
      onConsole?.(chunk);
    };
    child.stdout.on("data", hear);
    const followed = log === undefined ? undefined : followFile(log, hear);
    child.stderr.on("data", (chunk: Buffer) => (this.complaints += chunk.toString("utf8")));
    // The guest may end while something is still being typed; the text that did not arrive is told by `expect`.
    child.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      const finish = (end: MachineEnd, reason: string): void => {
        followed?.close();
        qmp.close(reason);
        this.text.end(this.complaints === "" ? reason : `${reason}, saying: ${this.complaints.trim()}`);
        rmSync(folder, { recursive: true, force: true });
        variables?.remove();
        resolve(end);
      };
      child.on("error", (error) => {
        finish({ status: undefined, signal: undefined }, `QEMU could not be started (${error.message})`);
      });
      child.on("close", (code, signal) => {
        const how = signal === null ? `with status ${code}` : `by ${signal}`;
        finish({ status: code ?? undefined, signal: signal ?? undefined }, `QEMU ended ${how}`);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get console(): string {
    return this.text.text;
  }

  get events(): readonly QmpEvent[] {
    return this.link.events;
  }

  expect(pattern: string | RegExp, options?: ExpectOptions): Promise<ConsoleMatch> {
    return this.text.expect(pattern, options);
  }

  send(text: string | Uint8Array): void {
    if (!this.typed)
      throw new Error("a deterministic run takes no input: a key arrives when the host chooses");
    this.child.stdin.write(text);
  }

  monitor(line: string): Promise<string> {
    return this.link.human(line);
  }

  qmp(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.link.execute(command, args);
  }

  async exit(options: ExpectOptions = {}): Promise<MachineEnd> {
    const limitMs = options.limitMs ?? defaultLimitMs;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new ConsoleMismatch(
            `the machine did not end within ${limitMs / 1000} s\nthe console's last lines:\n${this.text.tail}`,
          ),
        );
      }, limitMs);
    });
    try {
      return await Promise.race([this.ended, limit]);
    } finally {
      clearTimeout(timer);
    }
  }

  kill(): Promise<MachineEnd> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    return this.ended;
  }
}
