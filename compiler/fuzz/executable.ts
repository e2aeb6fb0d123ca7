/** A harness as a program on Linux, compiled by clang with libFuzzer and AddressSanitizer. */
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { mostActions, recordBytes } from "../../dsl/testing/harness.ts";
import type { IrModule } from "../ir/ir.ts";
import { emitModule } from "../llvm/emit.ts";
import { linuxTarget } from "../llvm/target.ts";
import { runTool } from "../llvm/toolchain.ts";
import { siteMark } from "./instrument.ts";
import type { Finding } from "./replay.ts";

/** The function that libFuzzer calls with an input (LLVM 14, "libFuzzer", Fuzz Target). */
const entrySymbol = "LLVMFuzzerTestOneInput";

/** What went wrong in a run of the program; it does not say at which action. */
export type Crash = Omit<Finding, "step">;

/** How long the fuzzer goes on. */
export interface Effort {
  readonly seconds?: number;
  /** Inputs, where it is not the time that ends it. */
  readonly runs?: number;
  readonly seed: number;
}

/** How a run of the fuzzer ended. */
export interface FuzzRun {
  readonly inputs: number;
  /** Edges of the device's code that were reached. */
  readonly edges: number;
  readonly crash: Crash | undefined;
}

/** A harness that has been linked. */
export class FuzzProgram {
  readonly #module: IrModule;
  readonly #folder: string;
  readonly #program: string;

  /** Links a module of a subject into a folder. Throws ToolError, also where clang is missing. */
  constructor(module: IrModule, folder: string) {
    const alone: IrModule = {
      ...module,
      functions: module.functions.map((fn) => ({ ...fn, exported: fn.symbol === entrySymbol })),
    };
    const { text } = emitModule(alone, { target: linuxTarget, debug: false, external: new Set(), folder });
    const assembly = join(folder, "harness.ll");
    writeFileSync(assembly, text);
    this.#module = module;
    this.#folder = folder;
    this.#program = join(folder, "harness");
    runTool("clang-14", ["-O1", "-x", "ir", assembly, "-fsanitize=fuzzer,address", "-o", this.#program]);
  }

  /** Where the fuzzer leaves an input at which the program crashes. */
  get crashPrefix(): string {
    return join(this.#folder, "crash-");
  }

  /** Runs one input. */
  run(input: Uint8Array): Crash | undefined {
    const file = join(this.#folder, "input");
    writeFileSync(file, input);
    const { status, stderr } = spawnSync(this.#program, [...quiet, file], {
      env: environment,
      maxBuffer: 1 << 26,
    });
    return status === 0 ? undefined : this.#crash(stderr);
  }

  /** Lets the fuzzer look for new inputs and add them to a folder. `tell` is given its lines. */
  async fuzz(corpus: string, effort: Effort, tell: (line: string) => void): Promise<FuzzRun> {
    const child = spawn(
      this.#program,
      [
        ...quiet,
        ...(effort.seconds === undefined ? [] : [`-max_total_time=${effort.seconds}`]),
        ...(effort.runs === undefined ? [] : [`-runs=${effort.runs}`]),
        "-use_value_profile=1",
        `-seed=${effort.seed}`,
        `-max_len=${mostActions * recordBytes}`,
        `-artifact_prefix=${this.crashPrefix}`,
        corpus,
      ],
      { env: environment, stdio: ["ignore", "ignore", "pipe"] },
    );
    const said: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    createInterface(child.stderr).on("line", tell);
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    const output = Buffer.concat(said);
    const text = output.toString("latin1");
    const last = (pattern: RegExp): number => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
    return {
      inputs: last(/^#(\d+)\t/gm),
      edges: last(/ cov: (\d+)/g),
      crash: status === 0 ? undefined : this.#crash(output),
    };
  }

  /** Reduces a folder of inputs to those that are needed for what they reach, in another folder. */
  merge(from: string, to: string): void {
    runTool(this.#program, ["-merge=1", "-use_counters=0", ...quiet, to, from]);
  }

  #crash(output: Buffer): Crash {
    const text = output.toString("latin1");
    const mark = output.indexOf(siteMark, 0, "latin1");
    if (mark >= 0 && output.length >= mark + 8) {
      const site = output.readUInt32LE(mark + 4);
      return { kind: "trap", what: this.#module.traps[site - 1] ?? `trap ${site}` };
    }
    const [, what] = /AddressSanitizer: ([\w-]+)/.exec(text) ?? [];
    const [, how] = /^((?:READ|WRITE) of size \d+)/m.exec(text) ?? [];
    if (what !== undefined) return { kind: "memory", what: how === undefined ? what : `${what}, ${how}` };
    const [, signal] = /libFuzzer: ([\w -]+)/.exec(text) ?? [];
    return { kind: "trap", what: signal ?? (text.trim().split("\n").at(-1) || "the program ended") };
  }
}

/** A machine that is busy must not look like an endless loop: those are counted, not timed. */
const quiet = ["-timeout=120", "-rss_limit_mb=2048", "-detect_leaks=0"];
const environment = { ...process.env, ASAN_OPTIONS: "detect_leaks=0", LC_ALL: "C" };
