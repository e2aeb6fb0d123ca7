import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { render } from "../../diagnostics/render.ts";

/** Runs a compilation; where it is refused, the error's message shows each place, as the command line would. */
export function explained<T>(compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    throw new Error(render(error.diagnostics, { color: false }), { cause: error });
  }
}
