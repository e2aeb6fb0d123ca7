/** The CLI's exit codes, and which failure leads to which. */
import { relative } from "node:path";
import { DiagnosticError } from "../diagnostics/diagnostic.ts";
import { render } from "../diagnostics/render.ts";
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
  /** What is shown; complete for who reads it, and ends a line. */
  readonly text: string;
}

/** How a failure is told: its exit code and its text. Diagnostics come with their places, the source there, and the fix. */
export function tellFailure(error: unknown, color = false): ToldFailure {
  if (error instanceof DiagnosticError) {
    return { code: exitCode.input, text: render(error.diagnostics, { color, displayPath }) };
  }
  const told = (code: ExitCode, message: string): ToldFailure => ({ code, text: `error: ${message}\n` });
  if (error instanceof InputFailure) return told(exitCode.input, error.message);
  if (error instanceof MachineFailure) return told(exitCode.machine, error.message);
  if (error instanceof ToolError && error.missing) {
    return told(exitCode.machine, `${error.message}; \`typevisor doctor\` says what to do`);
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return told(exitCode.bug, `this is a bug of Typevisor, please report it\n${detail}`);
}

/** A file below the folder that the command was started in is named from there. */
function displayPath(fileName: string): string {
  const path = relative(process.cwd(), fileName);
  return path.startsWith("..") ? fileName : path;
}
