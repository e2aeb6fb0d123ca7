/** The process that checks for the editor's plugin, so that no keystroke waits for the compiler. */
import { performance } from "node:perf_hooks";
import { textChecker } from "./check-text.ts";
import type { CheckAnswer, CheckRequest } from "./checking.ts";

const check = textChecker();
process.on("message", (request: CheckRequest) => {
  const start = performance.now();
  let diagnostics: CheckAnswer["diagnostics"] = [];
  try {
    diagnostics = check(request);
  } catch (error) {
    // A bug of the compiler must not take the editor's help away.
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
  process.send?.({ ...request, diagnostics, ms: performance.now() - start } satisfies CheckAnswer);
});
process.on("disconnect", () => process.exit());
