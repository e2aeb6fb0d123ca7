/** From an evaluated program to the IR: the entry of this stage. */
import type { Program } from "../../dsl/core/program.ts";
import type { FrontEnd } from "../front-end.ts";
import type { IrModule } from "../ir/ir.ts";
import { verifyModule } from "../ir/verify.ts";
import { ProgramLowering } from "./program.ts";

/** Lowers a program. Throws DiagnosticError where it is refused. `debug` keeps locals visible. */
export function lowerProgram(frontEnd: FrontEnd, program: Program, options: { readonly debug: boolean }): IrModule {
  const module = new ProgramLowering(frontEnd.front, program.name, options.debug).lower(program);
  frontEnd.diagnostics.throwIfErrors();
  const problems = verifyModule(module);
  if (problems.length > 0) {
    throw new Error(`lowering made wrong IR:\n${problems.map((p) => `${p.symbol}: ${p.message}`).join("\n")}`);
  }
  return module;
}
