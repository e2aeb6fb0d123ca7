/**
 * Boots a machine under Bochs, the second emulator: VMX with EPT on an Intel model, SVM with NRIPS on an AMD one.
 *
 * The serial console is a TCP connection that Bochs makes to this process. What the guest writes to port 0xe9 is not
 * part of the console. Bochs leaves lock files beside a disk image, so each run has its own copy.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmulatorProcess, spawnEmulator, type EmulatedMachine, type EmulatorChild } from "./emulator.ts";

/** What a boot under Bochs may choose about its machine. */
export interface BochsOptions {
  /** The disk image to boot from. */
  readonly image: string;
  /** The CPU model: "corei7_skylake_x" (VMX with EPT), "ryzen" (SVM with nested paging and NRIPS). */
  readonly cpu: "corei7_skylake_x" | "ryzen";
  /** `ovmf` (UEFI, without ACPI tables under Bochs) unless given; `bios` is Bochs' own. */
  readonly firmware?: "ovmf" | "bios";
  /** Memory in MiB; 512 unless given. */
  readonly memoryMiB?: number;
  /** Virtual CPUs; 1 unless given. */
  readonly cpus?: number;
  /** More lines of Bochs' configuration, added last. */
  readonly extra?: readonly string[];
  /** Gets the serial console's output as it arrives, as it is. */
  readonly onConsole?: (chunk: Buffer) => void;
}

const program = "bochs-bin";
const firmwareFile = {
  ovmf: "/usr/share/OVMF/OVMF_CODE.fd",
  bios: "/usr/share/bochs/BIOS-bochs-latest",
} as const;
const vgaFirmwareFile = "/usr/share/bochs/VGABIOS-lgpl-latest";
const instructionsPerSecond = 50_000_000;
// A fixed moment, so that runs repeat: 2023-11-14 22:13:20 UTC.
const startTimeSeconds = 1_700_000_000;

/** Boots a machine under Bochs; its serial console is the one that `expect` reads and `send` types on. */
export async function bootBochs(options: BochsOptions): Promise<EmulatedMachine> {
  if (!existsSync(options.image)) throw new Error(`there is no file ${options.image} to boot from`);
  const folder = mkdtempSync(join(tmpdir(), "typevisor-bochs-"));
  copyFileSync(options.image, join(folder, "disk.img"));
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(folder, "bochsrc"), `${configuration(options, folder, port).join("\n")}\n`);
  writeFileSync(join(folder, "commands"), "c\n");
  const args = ["-q", "-f", join(folder, "bochsrc"), "-rc", join(folder, "commands")];
  // Bochs' debugger takes its one command from a file, and waits for more while its input is open.
  return new BochsMachine(spawnEmulator(program, args, "ignore"), server, folder, options.onConsole);
}

/** The lines of Bochs' configuration file for a machine. */
function configuration(options: BochsOptions, folder: string, port: number): string[] {
  return [
    "config_interface: textconfig",
    // The one display that works without a screen; it does not wait for somebody to look.
    'display_library: rfb, options="timeout=0"',
    "sound: driver=dummy",
    `romimage: file=${firmwareFile[options.firmware ?? "ovmf"]}`,
    `vgaromimage: file=${vgaFirmwareFile}`,
    `cpu: model=${options.cpu}, count=${options.cpus ?? 1}, ips=${instructionsPerSecond}, ignore_bad_msrs=1`,
    `clock: sync=none, time0=${startTimeSeconds}`,
    `megs: ${options.memoryMiB ?? 512}`,
    `com1: enabled=1, mode=socket-client, dev=127.0.0.1:${port}`,
    "port_e9_hack: enabled=1",
    "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
    `ata0-master: type=disk, path=${join(folder, "disk.img")}, mode=flat`,
    "boot: disk",
    `log: ${join(folder, "log")}`,
    "panic: action=fatal",
    "error: action=report",
    ...(options.extra ?? []),
  ];
}

class BochsMachine extends EmulatorProcess {
  private socket: Socket | undefined;
  private typedEarly: (string | Uint8Array)[] = [];

  constructor(
    child: EmulatorChild,
    private readonly server: Server,
    private readonly folder: string,
    listener: ((chunk: Buffer) => void) | undefined,
  ) {
    super("Bochs", child, listener);
    // Bochs' own output is read, so that a full pipe does not hold it up; what matters of it is in its log.
    child.stdout.resume();
    server.once("connection", (socket) => {
      server.close();
      this.socket = socket;
      socket.on("data", this.hear).on("error", () => undefined);
      for (const text of this.typedEarly) socket.write(text);
      this.typedEarly = [];
    });
  }

  override send(text: string | Uint8Array): void {
    if (this.socket === undefined) this.typedEarly.push(text);
    else this.socket.write(text);
  }

  protected override cleanUp(): void {
    const log = join(this.folder, "log");
    const panics = existsSync(log) ? (readFileSync(log, "latin1").match(/>>PANIC<<.*/g) ?? []) : [];
    this.complaints = panics.join("\n");
    this.socket?.destroy();
    this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
