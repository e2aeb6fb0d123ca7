/**
 * Counts from outside what each CPU of a machine executes, by a plugin of QEMU (`counter.c`): nobody below the emulator
 * feels it, and the machine may have several CPUs. What is counted of one CPU between two events is exact.
 */
import { execFileSync } from "node:child_process";
import { constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runTool } from "../../../compiler/llvm/toolchain.ts";

/** What a CPU has executed when it came to an event. */
export interface Count {
  /** It enters a guest, is out of it, halts in the hypervisor, or is in front of the NOP that has this number. */
  readonly event: "enter" | "leave" | "halt" | number;
  readonly cpu: number;
  /** Instructions; an element of a repeated string instruction is one. */
  readonly executed: number;
  /** Those of them that guests did. */
  readonly inGuest: number;
  /** PAUSEs of the hypervisor, which it executes where it waits for another CPU. */
  readonly waits: number;
}

/** A line of the plugin. @throws where it is none */
export function countOf(line: string): Count {
  const found = /^(?:(enter|leave|halt)|(\d+)) (\d+) (\d+) (\d+) (\d+)$/.exec(line);
  if (found === null) throw new Error(`the emulator's plugin says: ${line}`);
  const [, name, number, ...counts] = found;
  const [cpu = 0, executed = 0, inGuest = 0, waits = 0] = counts.map(Number);
  return { event: (name as "enter" | undefined) ?? Number(number), cpu, executed, inGuest, waits };
}

/** The counter of one machine. */
export class InstructionCounter {
  /** Arguments of QEMU. */
  readonly arguments: readonly string[];
  private readonly folder = mkdtempSync(join(tmpdir(), "typevisor-counter-"));
  private readonly pipe: Socket;

  /** Gives each count to a listener, in the order in which the events came. */
  constructor(listener: (count: Count) => void) {
    const plugin = join(this.folder, "counter.so");
    const path = join(this.folder, "counts");
    const source = join(import.meta.dirname, "counter.c");
    runTool("clang-14", [
      ...["-std=gnu11", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"],
      ...["-o", plugin, source],
    ]);
    execFileSync("mkfifo", [path]);
    this.arguments = ["-plugin", `${plugin},to=${path}`];
    // Open for both, it waits for no writer, and does not end with one.
    this.pipe = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
    createInterface({ input: this.pipe }).on("line", (line) => listener(countOf(line)));
  }

  /** Stops counting. */
  close(): void {
    this.pipe.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
