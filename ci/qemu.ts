/** Boots a machine under QEMU and talks to its serial console: the harness of every boot test. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmulatorProcess, spawnEmulator, type EmulatedMachine, type EmulatorChild } from "./emulator.ts";
import { followFile, type FollowedFile } from "./follow-file.ts";
import {
  copyOfVariables,
  qemuArguments,
  qemuProgram,
  usesOvmf,
  type MachineOptions,
} from "./qemu-arguments.ts";
import { Qmp, type QmpEvent } from "./qmp.ts";

/** A machine to boot, and who listens. */
export interface BootOptions extends MachineOptions {
  /** Gets the serial console's output as it arrives, as it is. */
  readonly onConsole?: (chunk: Buffer) => void;
}

/** A machine that runs under QEMU. A deterministic run takes no input: `send` throws. */
export interface Machine extends EmulatedMachine {
  /** The events that QEMU has reported so far (`SHUTDOWN`, `RESET`, …). */
  readonly events: readonly QmpEvent[];
  /** Executes a line of QEMU's human monitor and gives what it prints. */
  monitor(line: string): Promise<string>;
  /** Executes a QMP command and gives its result. */
  qmp(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
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
  const child = spawnEmulator(qemuProgram, args, "pipe");
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

class QemuMachine extends EmulatorProcess implements Machine {
  private readonly followed: FollowedFile | undefined;

  constructor(
    child: EmulatorChild,
    private readonly surroundings: Surroundings,
  ) {
    super("QEMU", child, surroundings.onConsole);
    child.stdout.on("data", this.hear);
    if (surroundings.log !== undefined) this.followed = followFile(surroundings.log, this.hear);
  }

  get events(): readonly QmpEvent[] {
    return this.surroundings.qmp.events;
  }

  override send(text: string | Uint8Array): void {
    if (this.followed !== undefined) {
      throw new Error("a deterministic run takes no input: a key arrives when the host chooses");
    }
    super.send(text);
  }

  monitor(line: string): Promise<string> {
    return this.surroundings.qmp.human(line);
  }

  qmp(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.surroundings.qmp.execute(command, args);
  }

  protected override cleanUp(reason: string): void {
    this.followed?.close();
    this.surroundings.qmp.close(reason);
    rmSync(this.surroundings.folder, { recursive: true, force: true });
    this.surroundings.variables?.remove();
  }
}
