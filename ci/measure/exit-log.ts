/**
 * Counts the exits of a machine from outside, while it runs: QEMU logs each #VMEXIT beside the code that it translates,
 * and is told to leave out the code. Nobody below the emulator feels it: it takes no instruction. The log goes through a
 * pipe and is not kept.
 */
import { execFileSync } from "node:child_process";
import { constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ExitCounter, type ExitCounts, type ExitMark } from "./exit-counts.ts";

/** Addresses that no CPU executes, since they are not canonical. */
const neverExecuted = "0x8000000000000000+0x10";

/** The exits of one machine, up to a mark. */
export class ExitLog {
  /** Arguments of QEMU. */
  readonly arguments: readonly string[];
  /** What is counted, as soon as the mark has come; it waits forever for one that does not come. */
  readonly counts: Promise<ExitCounts>;
  private readonly folder = mkdtempSync(join(tmpdir(), "typevisor-exits-"));
  private readonly pipe: Socket;

  constructor(mark: ExitMark) {
    const path = join(this.folder, "log");
    execFileSync("mkfifo", [path]);
    this.arguments = ["-d", "in_asm", "-dfilter", neverExecuted, "-D", path];
    // Open for both, it waits for no writer, and does not end with one.
    this.pipe = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
    const counter = new ExitCounter(mark);
    this.counts = new Promise((resolve, reject) => {
      this.pipe.on("error", reject);
      createInterface({ input: this.pipe }).on("line", (line) => {
        if (counter.line(line)) resolve(counter.counts);
      });
    });
  }

  /** Stops reading. */
  close(): void {
    this.pipe.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
