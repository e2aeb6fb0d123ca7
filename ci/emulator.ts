/**
 * A machine in an emulator's process, whichever emulator it is: its console, and its end.
 *
 * There is no sleeping and no polling: `expect` waits for text with a generous limit and fails with the console's tail.
 * A machine never outlives the process that booted it (`setpriv --pdeathsig`), and only that one process is ended.
 */
import { spawn, type ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import {
  ConsoleMismatch,
  ConsoleText,
  defaultLimitMs,
  type ConsoleMatch,
  type ExpectOptions,
} from "./console.ts";

/** How an emulator's process ended: its exit status, or the signal that ended it. */
export interface MachineEnd {
  readonly status: number | undefined;
  readonly signal: string | undefined;
}

/** A machine with a serial console that runs in an emulator. */
export interface EmulatedMachine {
  /** The emulator's process. */
  readonly pid: number;
  /** Everything that the serial console has said so far, without control characters and sequences. */
  readonly console: string;
  /** What the emulator itself has complained about so far. */
  readonly complaints: string;
  /** Waits until the console says the pattern after the previous match. */
  expect(pattern: string | RegExp, options?: ExpectOptions): Promise<ConsoleMatch>;
  /** Types on the serial console. */
  send(text: string | Uint8Array): void;
  /** Waits until the machine ends by itself, which it must within the limit. */
  exit(options?: ExpectOptions): Promise<MachineEnd>;
  /** Ends the machine now, if it still runs, and waits until it is gone. */
  kill(): Promise<MachineEnd>;
}

/** An emulator's process, whose output is read; its input may be closed. */
export interface EmulatorChild extends ChildProcess {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** Starts an emulator that ends with this process, however that ends. */
export function spawnEmulator(
  program: string,
  args: readonly string[],
  input: "pipe" | "ignore",
): EmulatorChild {
  const stdio = [input, "pipe", "pipe"] as const;
  return spawn("setpriv", ["--pdeathsig", "KILL", program, ...args], { stdio: [...stdio] }) as EmulatorChild;
}

/** What every emulator's machine shares. Who makes one passes the console's output to {@link hear}. */
export class EmulatorProcess implements EmulatedMachine {
  complaints = "";
  private readonly text = new ConsoleText();
  private readonly ended: Promise<MachineEnd>;

  /**
   * @param name the emulator's name, for messages
   * @param child its process
   * @param listener gets the console's output as it arrives, as it is
   */
  constructor(
    name: string,
    protected readonly child: EmulatorChild,
    private readonly listener: ((chunk: Buffer) => void) | undefined,
  ) {
    child.stderr.on("data", (chunk: Buffer) => (this.complaints += chunk.toString("utf8")));
    // The guest may end while something is still being typed; the text that did not arrive is told by `expect`.
    child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      const finish = (end: MachineEnd, reason: string): void => {
        this.cleanUp(reason);
        const complaints = this.complaints.trim();
        this.text.end(complaints === "" ? reason : `${reason}, saying: ${complaints}`);
        resolve(end);
      };
      child.on("error", (error) => {
        finish({ status: undefined, signal: undefined }, `${name} could not be started (${error.message})`);
      });
      child.on("close", (code, signal) => {
        const how = signal === null ? `with status ${code}` : `by ${signal}`;
        finish({ status: code ?? undefined, signal: signal ?? undefined }, `${name} ended ${how}`);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get console(): string {
    return this.text.text;
  }

  expect(pattern: string | RegExp, options?: ExpectOptions): Promise<ConsoleMatch> {
    return this.text.expect(pattern, options);
  }

  send(text: string | Uint8Array): void {
    this.child.stdin?.write(text);
  }

  async exit(options: ExpectOptions = {}): Promise<MachineEnd> {
    const limitMs = options.limitMs ?? defaultLimitMs;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const what = `the machine did not end within ${limitMs / 1000} s`;
        reject(new ConsoleMismatch(`${what}\nthe console's last lines:\n${this.text.tail}`));
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

  /** Takes output of the serial console. */
  protected readonly hear = (chunk: Buffer): void => {
    this.text.push(chunk);
    this.listener?.(chunk);
  };

  /** Removes what the run had beside its process; called once, when it has ended. */
  protected cleanUp(_reason: string): void {
    return;
  }
}
