/** From an evaluated program to the IR: the entry of this stage. */
import type { Program } from "../../dsl/core/program.ts";
import type { FrontEnd } from "../front-end.ts";
import type { IrModule } from "../ir/ir.ts";
import { verifyModule } from "../ir/verify.ts";
import { ProgramLowering } from "./program.ts";

/** How to lower a program. */
export interface LoweringOptions {
  /** Keeps locals visible to a debugger. */
  readonly debug: boolean;
  /** Traps where an integer leaves the interval that was inferred for it: for tests of the compiler. */
  readonly checkIntervals?: boolean;
}

/** Lowers a program. Throws DiagnosticError where it is refused. */
export function lowerProgram(frontEnd: FrontEnd, program: Program, options: LoweringOptions): IrModule {
  const module = new ProgramLowering(
    frontEnd.front,
    program.name,
    options.debug,
    options.checkIntervals,
  ).lower(program);
  frontEnd.diagnostics.throwIfErrors();
  const problems = verifyModule(module);
  if (problems.length > 0) {
    throw new Error(
      `lowering made wrong IR:\n${problems.map((p) => `${p.symbol}: ${p.message}`).join("\n")}`,
    );
  }
  return module;
}
