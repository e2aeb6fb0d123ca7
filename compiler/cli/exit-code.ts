/** The CLI's exit codes, and which failure leads to which. */
import { DiagnosticError } from "../diagnostics/diagnostic.ts";
import { InputFailure, MachineFailure } from "../failure.ts";
import { ToolError } from "../llvm/toolchain.ts";

/** The CLI's exit codes. */
export const exitCode = { fine: 0, input: 1, machine: 2, bug: 3 } as const;

/** One of the CLI's exit codes. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** What each exit code means, as `--help` says it. */
export const exitCodeHelp = `
Exit codes:
  0  fine
  1  the input is wrong: the image, an option, or what the image did
  2  the machine lacks something: a program, a package, a payload's source
  3  a bug of Typevisor`;

/** A failure as the CLI tells it. */
export interface ToldFailure {
  readonly code: ExitCode;
  readonly message: string;
}

/** How a failure is told: its exit code, and a text that is complete for who reads it. */
export function tellFailure(error: unknown): ToldFailure {
  if (error instanceof InputFailure || error instanceof DiagnosticError) {
    return { code: exitCode.input, message: error.message };
  }
  if (error instanceof MachineFailure) return { code: exitCode.machine, message: error.message };
  if (error instanceof ToolError && error.missing) {
    return { code: exitCode.machine, message: `${error.message}; \`typevisor doctor\` says what to do` };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: exitCode.bug, message: `this is a bug of Typevisor, please report it\n${detail}` };
}
