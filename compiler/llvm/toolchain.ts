/** LLVM's and LLD's command-line tools: from LLVM assembly to objects and images. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import type { AssemblyOrigin } from "./prelude.ts";
import type { Target } from "./target.ts";

/** A tool is missing, or refused its input; `output` is what it said. */
export class ToolError extends Error {
  override name = "ToolError";

  constructor(
    readonly tool: string,
    readonly output: string,
    /** Whether the tool could not be started at all. */
    readonly missing = false,
    /** The inline-assembly site or the assembly line at fault, where the tool named one. */
    readonly origin: { readonly site?: number; readonly assembly?: AssemblyOrigin } | undefined = undefined,
  ) {
    super(missing ? `${tool} is not installed` : `${tool} failed:\n${output}`);
  }
}

/** Runs a tool on its standard input and gives what it wrote to its standard output, or to its standard error. */
export function runTool(
  tool: string,
  args: readonly string[],
  output: "stdout" | "stderr" = "stdout",
  input: Uint8Array = new Uint8Array(),
): string {
  const run = spawnSync(tool, args, {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: "C" },
  });
  if (run.error !== undefined) {
    const missing = (run.error as NodeJS.ErrnoException).code === "ENOENT";
    throw new ToolError(tool, run.error.message, missing);
  }
  if (run.status !== 0)
    throw new ToolError(tool, `${run.stderr}${run.stdout}`.trim() || `ended by ${run.signal}`);
  return run[output];
}

/** Checks LLVM assembly: what `llvm-bindings` loads must be valid. */
export function assemble(path: string): void {
  runTool("llvm-as-14", ["-o", "/dev/null", path]);
}

export interface CompileOptions {
  readonly target: Target;
  readonly debug: boolean;
  readonly assembly: readonly AssemblyOrigin[];
}

/** Optimises LLVM assembly at `from` into bitcode at `to`; with `debug`, only inlines what must be inlined. */
export function optimise(from: string, to: string, { target, debug }: CompileOptions): void {
  // Equal specialisations become one function.
  const passes = debug ? "always-inline" : "default<O2>,mergefunc,globaldce";
  runTool("opt-14", [`-passes=${passes}`, ...target.toolFlags, ...target.sizeFlags, "-o", to, from]);
}

/** Generates an object (`obj`) or an assembly listing (`asm`) from bitcode. */
export function generate(from: string, to: string, options: CompileOptions, kind: "obj" | "asm"): void {
  const { target, debug } = options;
  // Windows' own unwinding puts rbp anywhere in a frame; DWARF's model keeps the chain of saved rbp intact.
  const efiFlags = ["--exception-model=dwarf", ...(debug ? ["-O0", "--force-dwarf-frame-section"] : ["-O2"])];
  const flags = target.name === "efi" ? efiFlags : ["-O2"];
  try {
    runTool("llc-14", [`-filetype=${kind}`, ...flags, ...target.toolFlags, "-o", to, from]);
  } catch (error) {
    throw error instanceof ToolError && !error.missing ? located(error, options.assembly) : error;
  }
}

/** What LLVM's scalar evolution knows of the loops in bitcode, as text for `parseLoopBounds`. */
export function describeLoops(bitcode: Uint8Array): string {
  const flags = [
    "-passes=print<scalar-evolution>",
    "-scalar-evolution-classify-expressions=0",
    "-disable-output",
  ];
  return runTool("opt-14", [...flags, "-"], "stderr", bitcode);
}

/** Finds the place in the source's assembly that `llc` complained about. */
function located(error: ToolError, assembly: readonly AssemblyOrigin[]): ToolError {
  const site = /!srcloc = (\d+)/.exec(error.output);
  if (site !== null) return new ToolError(error.tool, error.output, false, { site: Number(site[1]) - 1 });
  const line = /<inline asm>:(\d+):\d+: error/.exec(error.output);
  const origin = line === null ? undefined : assembly[Number(line[1]) - 1];
  return origin === undefined ? error : new ToolError(error.tool, error.output, false, { assembly: origin });
}

/** Assembles a listing into an object. */
export function assembleListing(from: string, to: string, target: Target): void {
  runTool("llvm-mc-14", [`-triple=${target.triple}`, "-filetype=obj", "-o", to, from]);
}

/** Deletes a build's folder. */
export function discard(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
